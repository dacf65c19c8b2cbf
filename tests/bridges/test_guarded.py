"""A broker with TLS and a password: who has neither stays outside, and reads why in one line."""

import pytest
import trustme

from tests.bridges.brokers import Guarded
from tests.command import run

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "right").write_text(PASSWORD + "\n")
    (folder / "wrong").write_text("battery staple\n")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    with Guarded(folder, "bridge", PASSWORD) as running:
        yield running


def bridge(broker, scheme="mqtts", user="bridge", password="right", ca="ca.pem"):
    arguments = ["loop", "--broker", f"{scheme}://{user}@{broker.address}", "--for", "0.1"]
    if password:
        arguments += ["--password-file", broker.folder / password]
    if ca:
        arguments += ["--ca", broker.folder / ca]
    return run("mqtt", *arguments)


def test_who_has_both_is_let_in(broker):
    done = bridge(broker)
    assert done == (0, f"1 meter on mqtts://{broker.address}\n", "")


# paho-mqtt drops the socket of a failed handshake without closing it
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"password": "wrong"}, "not authorized"),
        ({"password": None}, "not authorized"),
        ({"user": "nobody"}, "not authorized"),
        ({"ca": "other.pem"}, "certificate verify failed"),
        ({"ca": None}, "certificate verify failed"),
        ({"scheme": "mqtt", "ca": None}, ""),
    ],
)
def test_who_lacks_one_is_not(broker, how, why):
    done = bridge(broker, **how)
    assert (done.status, done.said) == (2, "")
    assert done.error.count("\n") == 1
    assert f"://{broker.address}: " in done.error
    assert why in done.error.lower().replace("_", " ")
