"""Where a broker is: every mistake is one line, and no password stands in an argument."""

import pytest
from budgetmeter.bridges.mqtt.address import Address, address
from budgetmeter.bridges.mqtt.bridge import topics
from budgetmeter.cli.metrics import metrics_place
from budgetmeter.errors import InputError

from tests.command import run


@pytest.mark.parametrize(
    ("text", "wanted", "shown"),
    [
        ("broker", Address("broker", 1883), "mqtt://broker:1883"),
        ("10.0.0.1:99", Address("10.0.0.1", 99), "mqtt://10.0.0.1:99"),
        ("mqtt://h", Address("h", 1883), "mqtt://h:1883"),
        ("mqtts://h", Address("h", 8883, True), "mqtts://h:8883"),
        ("mqtts://me@h:1", Address("h", 1, True, "me"), "mqtts://h:1"),
        ("mqtt://m%40e@[::1]", Address("::1", 1883, False, "m@e"), "mqtt://[::1]:1883"),
    ],
)
def test_an_address(text, wanted, shown):
    assert address(text) == wanted
    assert str(wanted) == shown


@pytest.mark.parametrize(
    "text",
    ["", ":1", "http://h", "h:x", "h:99999", "h:0", "mqtt://h/topic", "mqtt://h?x", "mqtt://u:p@h"],
)
def test_what_is_none(text):
    with pytest.raises(InputError, match=r"^--broker: "):
        address(text)


def test_a_password_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "password"
    path.write_text("s3cret\nmore\n")
    assert address("mqtt://me@h", path).password == "s3cret"
    monkeypatch.setenv("BUDGETMETER_MQTT_PASSWORD", "other")
    assert address("mqtt://me@h", path).password == "s3cret"
    assert address("mqtt://me@h").password == "other"
    with pytest.raises(InputError, match="a password, and no user"):
        address("h")


@pytest.mark.parametrize(
    ("content", "why"), [(b"\n", "is empty"), (b"\xff", "no text"), (None, "No such file")]
)
def test_a_password_file_that_is_none(tmp_path, content, why):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^--password-file .*{why}"):
        address("mqtt://me@h", path)


def test_certificates_need_tls(tmp_path):
    with pytest.raises(InputError, match="only with mqtts"):
        address("h", None, tmp_path)


@pytest.mark.parametrize("bad", ["", "a+", "#", "/a", "a/", "a\n"])
def test_topics_that_are_none(bad):
    for given in ((bad, "b", "c"), ("a", bad, "c"), ("a", "b", bad)):
        with pytest.raises(InputError, match="letters and digits"):
            topics(*given)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", None),
        ("9100", ("127.0.0.1", 9100)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("[::1]:9100", ("::1", 9100)),
    ],
)
def test_where_metrics_are(text, place):
    assert metrics_place(text) == place


@pytest.mark.parametrize("text", ["x", ":", "h:", "99999", "1.5", "-1", " 1"])
def test_metrics_elsewhere(text):
    with pytest.raises(InputError, match=r"^--metrics "):
        metrics_place(text)


NOWHERE = "socket://127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["loop", "--broker", "mqtt://u:p@h"], "--broker: no password in an address; "),
        (["loop", "loop", "--broker", "h"], "one URL stands there twice"),
        (["loop", "--broker", "h", "--topic", "#"], "--topic #: letters and digits, "),
        (["loop", "--broker", "h", "--metrics", "x"], "--metrics x: a port such as 9100"),
        (["loop", "--broker", "127.0.0.1:1"], "mqtt://127.0.0.1:1: Connection refused"),
        ([NOWHERE, "--broker", "127.0.0.1:1"], f"{NOWHERE}: Connection refused"),
        (["loop", "--broker", "mqtts://h", "--ca", "none.pem"], "--ca none.pem: No such file"),
        (["loop:none", "--broker", "127.0.0.1:1"], "no profile none; there are "),
    ],
)
def test_a_mistake_is_one_line(arguments, line):
    done = run("mqtt", *arguments)
    assert (done.status, done.said) == (2, "")
    assert done.error.startswith(f"budgetmeter: {line}")
    assert done.error.count("\n") == 1
