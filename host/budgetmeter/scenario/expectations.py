"""What a scenario can expect of a step, and what is seen instead."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from meterfw.account.record import State
from meterproto.codes import (
    ControlState,
    EmergencyStatus,
    Event,
    PaymentMode,
    Result,
    TokenReason,
)

from budgetmeter import units
from budgetmeter.report.phases import PHASES, phase
from budgetmeter.scenario import cards, cases
from budgetmeter.scenario.document import choice, money
from budgetmeter.scenario.model import Failure, Step
from budgetmeter.scenario.stage import Stage


def _limiter(_stage: Stage, m: State) -> str:
    if m.limiter_engaged:
        return "engaged"
    return "available" if m.limiter_available else "none"


# The order's results, and why a token was not even tried.
_RESULTS = [*TokenReason.words(), *Result.words()]
_RESULTS = [word for word in dict.fromkeys(_RESULTS) if word not in ("none", "result")]

# How to read what is expected, and what is seen.
STATES: dict[str, tuple[Callable[[Any], Any], Callable[[Stage, State], Any]]] = {
    "supply": (choice(ControlState.words()), lambda _, m: ControlState(m.control_state).word),
    "phase": (choice(PHASES), lambda _, m: phase(m)),
    "balance": (money, lambda stage, _: units.euros(stage.emulator.balance())),
    "credit": (money, lambda _, m: units.euros(m.credit)),
    "emergency_used": (money, lambda _, m: units.euros(m.emergency_used)),
    "arrears": (money, lambda _, m: units.euros(m.arrears)),
    "emergency": (
        choice(EmergencyStatus.words()),
        lambda _, m: EmergencyStatus(m.emergency_status).word,
    ),
    "limiter": (choice(("engaged", "available", "none")), _limiter),
    "mode": (choice(PaymentMode.words()), lambda _, m: PaymentMode(m.payment_mode).word),
    **cards.EXPECTATIONS,
}


def _event_at(value: Any) -> tuple[str, datetime]:
    if not isinstance(value, dict) or set(value) != {"event", "time"}:
        raise ValueError('a table such as { event = "disconnected", time = 2020-07-06T08:00:00 }')
    return choice(Event.words())(value["event"]), units.moment(value["time"])


# How each expectation is read; a ValueError names the value.
EXPECTATIONS: dict[str, Callable[[Any], Any]] = {
    **{key: read for key, (read, _) in STATES.items()},
    "display": str,
    "result": choice(_RESULTS),
    "happened": _event_at,
    "never": choice(Event.words()),
    **cases.EXPECTATIONS,
}


def _happened(stage: Stage, word: str) -> list[datetime]:
    """Local times at which an event happened."""
    event = Event.of_word(word)
    return [entry.time for entry in stage.emulator.trace.entries if entry.code is event]


def _seen(stage: Stage, key: str, value: Any, result: Result | TokenReason | None) -> Any:
    """What was expected and what is seen, as text; None where they agree."""
    wanted = EXPECTATIONS[key](value)
    if key in cases.EXPECTATIONS:
        return cases.seen(stage, key, wanted)
    if key == "result":
        got = result.word if result is not None else "no order"
        return None if got == wanted else (wanted, got)
    if key == "never":
        times = _happened(stage, wanted)
        return (f"no {wanted}", f"{wanted} at {times[0]:%Y-%m-%d %H:%M:%S}") if times else None
    if key == "happened":
        event, time = wanted
        times = _happened(stage, event)
        last = ", ".join(f"{t:%Y-%m-%d %H:%M:%S}" for t in times[-3:]) or "never"
        return None if time in times else (f"{event} at {time:%Y-%m-%d %H:%M:%S}", last)
    if key == "display":
        lines = " | ".join(stage.emulator.board.lines)
        return None if wanted in lines else (repr(wanted), repr(lines))
    got = STATES[key][1](stage, stage.emulator.meter.state)
    return None if got == wanted else (wanted, got)


def check(stage: Stage, step: Step, result: Result | TokenReason | None) -> Iterator[Failure]:
    """The expectations of one step that are not met; an order that is refused is one."""

    def failed(key: str, expected: Any, seen: Any) -> Failure:
        return Failure(step.where, step.time, key, expected, seen)

    books = stage.opened.balanced() if stage.opened is not None else None
    if books is not None and books[0] != books[1]:
        yield failed("money handed out", *(units.euros(amount, 5) for amount in books))
    if result is not None and "result" not in step.expect and result is not Result.DONE:
        yield failed("result", Result.DONE.word, result.word)
    if stage.refused and "refused_by" not in step.expect:
        yield failed("refused", "nothing", stage.case.refused_by)
    for key, value in step.expect.items():
        differs = _seen(stage, key, value, result)
        if differs is not None:
            yield failed(key, *differs)
