"""Real brokers as processes: they are killed, and come back on the same port."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import argon2
import trustme

START_S = 30
AMQTT = """
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
    max_connections: 100
    {tls}
plugins:
  {who}
"""
TLS = "ssl: true\n    certfile: {0}\n    keyfile: {0}"
USERS = "amqtt.plugins.authentication.FileAuthPlugin:\n    password_file: {0}"
ANYBODY = "amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true"


class Process:
    """A broker on a port of its own.

    :param folder: for its files
    """

    keeps = False  # what is retained, when it is killed

    def __init__(self, folder):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.folder = Path(folder)
        self.address = f"127.0.0.1:{self.port}"
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self):
        """Start it, and wait until it lets somebody in."""
        self.process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + START_S
        while True:
            assert self.process.poll() is None, "the broker has ended"
            assert time.monotonic() < until, "the broker does not come"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)

    def kill(self):
        """Kill it: nothing is stored, nobody is told."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.kill()


class Amqtt(Process):
    """The broker of PyPI. It keeps all in memory."""

    tls = ""
    who = ANYBODY

    def command(self):
        path = self.folder / "amqtt.yaml"
        path.write_text(AMQTT.format(port=self.port, tls=self.tls, who=self.who))
        return [str(Path(sys.executable).with_name("amqtt")), "-c", str(path)]


class Guarded(Amqtt):
    """The same with TLS and a password.

    :ivar authorities: file of the certificate to trust
    """

    def __init__(self, folder, user, password):
        super().__init__(folder)
        authority = trustme.CA()
        served, users = self.folder / "served.pem", self.folder / "users"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(served)
        self.authorities = self.folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authorities)
        users.write_text(f"{user}:{argon2.PasswordHasher().hash(password)}\n")
        self.tls, self.who = TLS.format(served), USERS.format(users)
        self.address = f"localhost:{self.port}"


class Mosquitto(Process):
    """The broker of Debian, where it is installed.

    :param lines: more of its configuration
    """

    def __init__(self, folder, *lines):
        super().__init__(folder)
        self.lines = lines or ("allow_anonymous true",)

    def command(self):
        path = self.folder / "mosquitto.conf"
        own = (f"listener {self.port} 127.0.0.1", *self.lines)
        path.write_text("\n".join(own) + "\n")
        return [shutil.which("mosquitto"), "-c", str(path)]


BROKERS = [Amqtt, *([Mosquitto] if shutil.which("mosquitto") else [])]
