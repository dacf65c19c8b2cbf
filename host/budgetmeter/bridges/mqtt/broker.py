"""The connection to a broker: it comes back by itself, with back-off, and says so once."""

import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from budgetmeter.bridges.mqtt.address import Address
from budgetmeter.errors import InputError, port_problem

CONNECT_S = 10.0  # for the broker's first answer
GOODBYE_S = 5.0  # for the last message to leave
KEEPALIVE_S = 30
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 60  # before a lost connection is tried again; doubles


class Received(NamedTuple):
    """A message that came in.

    :ivar again: the broker sends it once more, for it knows of no acknowledgement
    :ivar retained: it waited at the broker
    :ivar mark: what `Broker.acknowledge` wants
    """

    topic: str
    payload: bytes
    again: bool
    retained: bool
    mark: tuple[int, int, int]


class Broker:
    """A connection, kept until `close`.

    :param address: of the broker
    :param name: of this client
    :param will: topic and message that the broker publishes when this client is lost
    :param keep: let the broker keep what comes while this client is away
    :param say: tells a person
    """

    def __init__(
        self,
        address: Address,
        name: str,
        will: tuple[str, str],
        keep: bool,
        say: Callable[[str], object],
    ) -> None:
        self.address = address
        self.on_connected: Callable[[], object] = lambda: None
        self.on_message: Callable[[Received], object] = lambda message: None
        self._say = say
        self._session = 0  # connections so far
        self._answered = threading.Event()
        self._refused = ""
        self._lost = False  # and it was said
        client = paho.Client(
            CallbackAPIVersion.VERSION2, name, clean_session=not keep, manual_ack=True
        )
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        client.will_set(*will, qos=1, retain=True)
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.tls:
            client.tls_set_context(_trusting(address))
        self._client = client

    def open(self) -> None:
        """Connect for the first time.

        :raises InputError: the broker is not there, or refuses
        """
        address = self.address
        try:
            self._client.connect(address.host, address.port, KEEPALIVE_S)
        except ssl.SSLError as error:
            raise InputError(f"{address}: {error.reason or error}") from None
        except (OSError, ValueError) as error:
            raise InputError(port_problem(str(address), error)) from None
        self._client.loop_start()
        if not self._answered.wait(CONNECT_S) or self._refused:
            self._client.disconnect()
            self._client.loop_stop()
            raise InputError(f"{address}: {self._refused or 'no answer; is it a broker?'}")

    def close(self, topic: str, payload: str) -> None:
        """Say goodbye with a last retained message, and disconnect."""
        if self._client.is_connected():
            last = self._client.publish(topic, payload, qos=1, retain=True)
            last.wait_for_publish(GOODBYE_S)
        self._client.disconnect()
        self._client.loop_stop()

    def retain(self, topic: str, payload: str) -> None:
        """Publish what the broker is to keep. It is lost without a connection: publish it anew."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos=0, retain=True)

    def tell(self, topic: str, payload: str) -> None:
        """Publish a message that waits for a connection, and comes at least once."""
        self._client.publish(topic, payload, qos=1)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Let messages come in, each at least once until it is acknowledged."""
        if topics:
            self._client.subscribe([(topic, 1) for topic in topics])

    def acknowledge(self, mark: tuple[int, int, int]) -> None:
        """What came in has been dealt with; without effect when the connection is another one."""
        session, number, qos = mark
        if session == self._session:
            self._client.ack(number, qos)

    # Called by the client, in its thread

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason).lower()
            if self._session and not self._lost:
                self._say(f"{self.address}: {self._refused}; trying again")
                self._lost = True
            self._answered.set()
            return
        self._session += 1
        if self._lost:
            self._say(f"{self.address}: connected again")
        self._lost = False
        self._refused = ""
        self.on_connected()
        self._answered.set()

    def _disconnected(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        if reason.is_failure and self._session and not self._lost:
            self._say(f"{self.address}: connection lost; trying again")
            self._lost = True

    def _message(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        mark = (self._session, message.mid, message.qos)
        payload = bytes(message.payload)
        self.on_message(Received(message.topic, payload, message.dup, message.retain, mark))


def _trusting(address: Address) -> ssl.SSLContext:
    """TLS that trusts the authorities of an address.

    :raises InputError: no such file, or no certificates in it
    """
    try:
        return ssl.create_default_context(cafile=address.authorities)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise InputError(f"--ca {address.authorities}: {reason}") from None
