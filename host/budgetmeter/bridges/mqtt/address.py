"""Where a broker is, and with which credentials: without an MQTT client."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from budgetmeter.errors import InputError

PORT, TLS_PORT = 1883, 8883
PASSWORD = "BUDGETMETER_MQTT_PASSWORD"


@dataclass(frozen=True)
class Address:
    """Of a broker.

    :ivar tls: whether the connection is encrypted
    :ivar user: None without credentials
    :ivar password: never part of a URL, which others on the machine can see
    :ivar authorities: file of certificates to trust; None for those of the system
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None
    authorities: Path | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt{'s' if self.tls else ''}://{host}:{self.port}"


def address(
    text: str, password_file: Path | None = None, authorities: Path | None = None
) -> Address:
    """The address a person wrote: `HOST`, `HOST:PORT`, `mqtt://USER@HOST`, `mqtts://HOST`.

    The password is in a file, or else in the environment.

    :raises InputError: no address; a password in it; a file that cannot be read
    """
    whole = text if "://" in text else f"mqtt://{text}"
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment)
    if parts.scheme not in ("mqtt", "mqtts") or not host or not plain or not host.isprintable():
        raise InputError("--broker: an address such as 127.0.0.1:1883 or mqtts://user@host")
    if parts.password is not None:
        raise InputError(f"--broker: no password in an address; --password-file or {PASSWORD}")
    tls = parts.scheme == "mqtts"
    if authorities is not None and not tls:
        raise InputError("--ca: only with mqtts://")
    password = _password(password_file)
    user = None if parts.username is None else unquote(parts.username)
    if password is not None and user is None:
        raise InputError("a password, and no user: --broker mqtt://USER@HOST")
    if port is None:
        port = TLS_PORT if tls else PORT
    if not port:
        raise InputError("--broker: port 0 is none")
    return Address(host, port, tls, user, password, authorities)


def _password(path: Path | None) -> str | None:
    """The first line of a file, or what the environment has."""
    if path is None:
        return os.environ.get(PASSWORD)
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"--password-file {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"--password-file {path}: no text") from None
    if not lines or not lines[0]:
        raise InputError(f"--password-file {path}: its first line is empty")
    return lines[0]
