"""Metrics of meters for Prometheus: names and base units after its conventions.

Money has no base unit, so it is in euros; energy is in joules, gas in cubic metres.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from meterproto.codes import ControlState, EmergencyStatus, Energy, PaymentMode, Reason
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from budgetmeter.bridges.seen import Seen
from budgetmeter.errors import InputError, port_problem

JOULES = 3600  # of a watt-hour
PREFIX = "budgetmeter"


class Sample(NamedTuple):
    """A meter as it was seen, and whether it answers now."""

    meter: int
    seen: Seen
    there: bool


Source = Callable[[], Iterable[Sample]]


class _Value(NamedTuple):
    """A metric: name with its unit, meaning, what makes it; None where a meter has it not."""

    name: str
    meaning: str
    of: Callable[[Seen], Decimal | int | float | None]


def _electric(value: Callable[[Seen], float | None]) -> Callable[[Seen], float | None]:
    """A value that a gas meter has not."""
    return lambda seen: None if seen.identity.energy == Energy.GAS else value(seen)


def _thousandth(value: int | None) -> float | None:
    return None if value is None else value / 1000


GAUGES = (
    _Value("balance_euros", "What the customer sees.", lambda s: s.status.balance),
    _Value("credit_euros", "Credit without emergency credit.", lambda s: s.status.credit),
    _Value("emergency_used_euros", "Emergency credit used.", lambda s: s.status.emergency_used),
    _Value(
        "emergency_preset_euros", "Emergency credit on offer.", lambda s: s.status.emergency_preset
    ),
    _Value("arrears_euros", "Debt of minimum supply.", lambda s: s.status.arrears),
    _Value("overdraft_euros", "Negative credit limit in force.", lambda s: s.status.overdraft),
    _Value("kilowatthour_price_euros", "Price of one kWh.", lambda s: s.status.price),
    _Value("settled_euros", "Moved off the account for good.", lambda s: s.registers.settled),
    _Value("supply_on", "Whether energy may flow.", lambda s: int(s.status.supply_on)),
    _Value("low_credit", "Whether low credit was warned of.", lambda s: int(s.status.warned)),
    _Value(
        "limiter_engaged",
        "Whether minimum supply is under the limiter.",
        _electric(lambda s: int(s.status.limiter_engaged)),
    ),
    _Value("power_watts", "Power now.", _electric(lambda s: s.status.power_w)),
    _Value(
        "current_amperes",
        "Largest current of a phase now.",
        _electric(lambda s: _thousandth(s.status.current_ma)),
    ),
    _Value(
        "voltage_volts",
        "Voltage now.",
        _electric(lambda s: _thousandth(s.status.voltage_mv or None)),
    ),
    _Value("lockout_seconds", "Until a wrong token counts again.", lambda s: s.status.locked_s),
)
COUNTERS = (
    _Value("energy_joules", "Energy counted.", lambda s: s.registers.energy_wh * JOULES),
    _Value(
        "gas_cubic_meters",
        "Gas counted.",
        lambda s: s.registers.volume_l / 1000 if s.identity.energy == Energy.GAS else None,
    ),
    _Value("credited_euros", "Money booked in.", lambda s: s.registers.credited),
    _Value("charged_euros", "Money charged.", lambda s: s.registers.charged),
)
STATES = (
    (
        "supply_state",
        "The supply control switch.",
        ControlState,
        lambda s: (s.status.control_state,),
    ),
    ("disconnection_reason", "Why supply is open.", Reason, lambda s: s.status.reasons),
    ("payment_mode", "Payment mode.", PaymentMode, lambda s: (s.status.payment_mode,)),
    (
        "emergency_status",
        "Emergency credit.",
        EmergencyStatus,
        lambda s: (s.status.emergency_status,),
    ),
)


class Meters(Collector):
    """Metrics of all meters of a source, made when they are asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        """Nothing: a meter is not read before it is asked for."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The families of metrics, each with one sample for each meter."""
        samples = list(self._source())
        up = GaugeMetricFamily(f"{PREFIX}_up", "Whether the meter answers.", labels=["meter"])
        info = InfoMetricFamily(PREFIX, "Who the meter is.", labels=["meter"])
        for number, seen, there in samples:
            up.add_metric([_label(number)], int(there))
            who = seen.identity
            info.add_metric(
                [_label(number)],
                {"energy": who.energy.word, "profile": who.profile, "firmware": who.firmware},
            )
        yield up
        yield info
        there_now = [sample for sample in samples if sample.there]
        for kind, values in ((GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS)):
            for value in values:
                yield from _family(kind, value, there_now)
        for name, meaning, codes, present in STATES:
            family = GaugeMetricFamily(f"{PREFIX}_{name}", meaning, labels=["meter", "state"])
            for number, seen, _ in there_now:
                for code in codes:
                    family.add_metric([_label(number), code.word], int(code in present(seen)))
            yield family


def _family(kind: Any, value: _Value, samples: Iterable[Sample]) -> Iterator[Metric]:
    """A family of metrics, unless no meter has it."""
    family = kind(f"{PREFIX}_{value.name}", value.meaning, labels=["meter"])
    for number, seen, _ in samples:
        amount = value.of(seen)
        if amount is not None:
            family.add_metric([_label(number)], float(amount))
    if family.samples:
        yield family


def _label(meter: int) -> str:
    return f"{meter:09d}"


class Exporter:
    """Serves the metrics of a source over HTTP until it is closed.

    :param place: address and port to listen on; port 0 takes a free one
    :param source: the meters; it is called in other threads
    :raises InputError: when the port cannot be had
    """

    def __init__(self, place: tuple[str, int], source: Source) -> None:
        registry = CollectorRegistry()
        registry.register(Meters(source))
        host, port = place
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except (OSError, socket.gaierror) as error:
            raise InputError(port_problem(f"--metrics {host}:{port}", error)) from None
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
