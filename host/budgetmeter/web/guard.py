"""Who may call: the right Host, no page of another site, and the secret where there is one."""

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from budgetmeter.errors import InputError
from budgetmeter.web.refusals import Refusal

LEAST_SECRET = 16  # characters
_NAMES = ("localhost", "127.0.0.1", "::1")


def read_secret(path: Path) -> str:
    """The secret in a file.

    :raises InputError: unreadable, or no secret
    """
    try:
        secret = path.read_text("ascii").strip()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < LEAST_SECRET or not secret.isprintable() or " " in secret:
        raise InputError(f"{path}: a secret has {LEAST_SECRET} or more characters, without spaces")
    return secret


class Guard:
    """Judges the head of a request.

    :param address: the server listens here
    :param secret: what every caller sends as a bearer; "" without
    :raises InputError: an address that others reach, without a secret
    """

    def __init__(self, address: str, secret: str = "") -> None:
        self._secret = secret
        host = ipaddress.ip_address(address)
        if not host.is_loopback and not secret:
            raise InputError(f"{address} may be reached from other machines: add --http-secret")
        self._hosts = {*_NAMES, address}
        self._any_number = host.is_unspecified
        if not host.is_loopback:
            self._hosts.add(socket.gethostname().lower())

    def judge(self, headers: Mapping[str, str], open_to_all: bool = False) -> None:
        """Let a request pass.

        :param open_to_all: the page's own files, which hold nothing of a meter
        :raises Refusal: it does not
        """
        host = headers.get("host", "")
        if not self._knows(host):
            raise Refusal(403, "This is not the address of the meters: the Host is another.")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            raise Refusal(403, "A page of another site may not touch a meter.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not open_to_all:
            raise Refusal(403, "A page of another site may not touch a meter.")
        if self._secret and not open_to_all:
            given = headers.get("authorization", "")
            wanted = f"Bearer {self._secret}"
            if not hmac.compare_digest(given.encode(), wanted.encode()):
                raise Refusal(401, "Send the secret: Authorization: Bearer SECRET.")

    def _knows(self, host: str) -> bool:
        """Whether a Host is one of ours: a name of another site that points here is none."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_number
