"""A meter over HTTP, as `budgetmeter emulate --http` serves it.

`budgetmeter.client.Meter` speaks the meter's own protocol, with a real meter too. This one presses
the button of an emulated meter, lets its time pass and puts cards in. It needs no package.
"""

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Self, cast
from urllib.parse import urlencode, urlsplit

from budgetmeter.errors import BudgetmeterError, InputError

TIMEOUT_S = 60.0


class WebError(BudgetmeterError):
    """A call that was not done. The message is the server's sentence.

    :ivar status: of its answer; 0 where there was none
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Web:
    """The meters behind one address. Not to be shared by threads.

    :param url: e.g. http://127.0.0.1:8080/
    :param secret: what callers must send, where the server wants one
    :param timeout: seconds to wait for an answer
    :raises InputError: what is no such address
    """

    def __init__(self, url: str, secret: str = "", timeout: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if parts.scheme != "http" or not host:
            raise InputError(f"{url!r} is no address such as http://127.0.0.1:8080/")
        self.url = f"http://{parts.netloc}/"
        self._where = (host, port or 80)
        self.timeout = timeout
        self.secret = secret
        self._connection: HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One call, as the OpenAPI description has it.

        :param body: of JSON, or octets
        :returns: what its JSON says, or octets
        :raises WebError: it was not done, or nobody answers
        """
        try:
            answer = self.send(method, path, body)
            found = answer.read()
        except (OSError, HTTPException) as error:
            self.close()
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise WebError(0, f"{self.url}: {reason}") from None
        return _understood(answer, found)

    def send(self, method: str, path: str, body: object = None) -> HTTPResponse:
        """The same, its answer as it comes.

        :raises OSError, HTTPException: nobody answers
        """
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        sent: bytes | None = None
        if isinstance(body, bytes | bytearray):
            sent = bytes(body)
            headers["Content-Type"] = "application/octet-stream"
        elif body is not None:
            sent = json.dumps(body, default=str).encode()
            headers["Content-Type"] = "application/json"
        if self._connection is None:
            self._connection = HTTPConnection(*self._where, timeout=self.timeout)
        self._connection.request(method, f"/{path}", sent, headers)
        return self._connection.getresponse()

    def meters(self) -> "list[WebMeter]":
        """The meters there are."""
        return [WebMeter(self, one["meter"]) for one in self.call("GET", "meters")["meters"]]

    def meter(self, number: int | None = None) -> "WebMeter":
        """One of them: the first, if no number is given.

        :raises WebError: there is none
        """
        if number is not None:
            self.call("GET", f"meters/{number}")
            return WebMeter(self, number)
        found = self.meters()
        if not found:
            raise WebError(404, "There are no meters.")
        return found[0]

    def make(
        self, profile: str = "", start: str = "", language: str = "", **change: object
    ) -> "WebMeter":
        """A new meter in memory, whose time passes only when it is told to.

        :param start: Belgian local time
        :param language: of its display: nl, fr, de or en
        :param change: values of the profile to replace
        """
        given = {"profile": profile, "start": start, "language": language, "change": change}
        body = {key: value for key, value in given.items() if value}
        return WebMeter(self, self.call("POST", "meters", body)["meter"])

    def speed(self, times: float | None = None) -> float | None:
        """How many times faster than real time passes; another speed, where one is given."""
        if times is None:
            return self.call("GET", "speed")["speed"]
        return self.call("PUT", "speed", {"speed": times})["speed"]


class WebMeter:
    """One meter over HTTP.

    :ivar number: its serial number
    """

    def __init__(self, web: Web, number: int) -> None:
        self.web = web
        self.number = number

    def _call(self, method: str, path: str = "", body: object = None) -> Any:
        return self.web.call(method, f"meters/{self.number}{path}", body)

    # What there is to see

    def view(self) -> dict[str, Any]:
        """Everything at once, by name: the schema View."""
        return self._call("GET")

    @property
    def balance(self) -> Decimal:
        """What the customer sees, EUR."""
        return Decimal(self._call("GET", "/balance")["balance"])

    @property
    def display(self) -> list[str]:
        """The four lines on its display."""
        return self._call("GET", "/display")["display"]

    @property
    def supply(self) -> str:
        """ "connected", "disconnected" or "ready"."""
        return self.view()["supply"]

    def events(self, first: int = 0) -> list[dict[str, Any]]:
        """Its log from an entry on, oldest first."""
        query = urlencode({"first": first})
        return self._call("GET", f"/events?{query}")["events"]

    def stream(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What changes, as it changes: ("view", …) and ("happened", …), for as long as wanted."""
        web = self.web
        with Web(web.url, web.secret, web.timeout) as own:
            answer = own.send("GET", f"meters/{self.number}/stream")
            if answer.status != 200:
                _understood(answer, answer.read())
            name = ""
            for raw in answer:
                key, _, value = raw.decode("utf-8").rstrip("\r\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    yield name, json.loads(value)

    # What people and the mains do. Each answers the view afterwards.

    def press(self, seconds: int = 0) -> dict[str, Any]:
        """Press the button, and hold it for so many seconds."""
        return self._call("POST", "/press", {"seconds": seconds})

    def use(self, watts: int | None = None, litres: int | None = None) -> dict[str, Any]:
        """Draw so many watts, or litres of gas an hour, from now on."""
        given = {"watts": watts, "litres_per_hour": litres}
        return self._call("PUT", "/load", {k: v for k, v in given.items() if v is not None})

    def speak(self, language: str) -> dict[str, Any]:
        """Its display and console speak nl, fr, de or en from now on."""
        return self._call("PUT", "/language", {"language": language})

    def wait(self, seconds: int) -> dict[str, Any]:
        """Time passes."""
        return self._call("POST", "/time", {"seconds": seconds})

    def cut_power(self, seconds: int = 0) -> dict[str, Any]:
        """The mains are away for so long."""
        return self._call("POST", "/power-cut", {"seconds": seconds})

    # Cards, orders, tokens

    def put_in(self, card: bytes) -> dict[str, Any]:
        """Put a card into the slot: its 4096 octets."""
        return self._call("PUT", "/card", card)

    def pull_out(self) -> bytes:
        """Take the card out of the slot; its octets."""
        return cast(bytes, self._call("DELETE", "/card"))

    def terminal(self, card: bytes = b"", pay: str = "0.00") -> tuple[bytes, dict[str, Any]]:
        """Put the card into a terminal; without a card the shop gives a new one.

        :param pay: EUR
        :returns: the card's octets, and the receipt
        """
        given = {"pay": pay}
        if card:
            given["card"] = base64.b64encode(card).decode("ascii")
        receipt = self._call("POST", "/terminal", given)
        return base64.b64decode(receipt.pop("card")), receipt

    def order(self, kind: str, **options: object) -> dict[str, Any]:
        """The operator asks something of the meter: a kind and options of the command line."""
        return self._call("POST", "/orders", {"kind": kind, **options})

    def queue(self, kind: str, **options: object) -> int:
        """The same, by card: it waits at the terminals. Answers how much waits."""
        return self._call("POST", "/queue", {"kind": kind, **options})["waiting"]

    def enter(self, token: str) -> dict[str, Any]:
        """Enter a token as it is typed; whether it was taken, and why not."""
        return self._call("POST", "/tokens", {"token": token})

    def drop(self) -> None:
        """A meter made over HTTP goes."""
        self._call("DELETE")


def _understood(answer: HTTPResponse, found: bytes) -> Any:
    """What an answer says.

    :raises WebError: a refusal, or something else than this server's answer
    """
    media = answer.headers.get_content_type()
    if answer.status < 400 and media == "application/octet-stream":
        return found
    if answer.status == 204:
        return None
    try:
        said = json.loads(found)
    except ValueError:
        raise WebError(answer.status, "That is not the answer of budgetmeter.") from None
    if answer.status >= 400:
        words = cast(dict[str, Any], said).get("error") if isinstance(said, dict) else None
        raise WebError(answer.status, str(words or answer.reason))
    return said
