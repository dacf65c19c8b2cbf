"""Golden vectors, valid and invalid, on both interpreters; RFC vectors; FCS against crcmod."""

import json
from pathlib import Path

import crcmod
import crcmod.predefined
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterfw.wire import fcs as firmware_fcs
from meterproto import fcs, framing, messages, tokens

from tests import micropython
from tests.protocol import check_vectors, vectors

GOLDEN = json.loads(vectors.FILE.read_text("utf-8"))
X25 = crcmod.predefined.mkCrcFun("x-25")


def test_the_frame_on_the_page_asks_for_what_flows():
    page = (Path(__file__).parents[2] / "protocol" / "README.md").read_text("utf-8")
    shown = bytes.fromhex("7E 7D 21 7D 23 7D 27 7D 22 7D 3B 61 7E")
    assert f"`{shown.hex(' ').upper()}`" in page
    assert list(framing.Decoder().feed(shown)) == [bytes.fromhex("01 03 07 02")]


def test_the_file_is_what_the_declarations_make():
    """Changed on purpose? `python -m tests.protocol.vectors` writes it anew."""
    assert vectors.FILE.read_text("utf-8") == vectors.text()


def test_cpython_answers_as_the_vectors_say():
    assert check_vectors.failures(GOLDEN) == []


def test_micropython_answers_as_the_vectors_say():
    script = Path(check_vectors.__file__)
    assert json.loads(micropython.run(script, json.dumps(GOLDEN))) == []


def test_the_check_finds_what_is_wrong():
    """Every group of vectors is looked at: each, changed, is reported."""
    broken = json.loads(json.dumps(GOLDEN))
    broken["hmac"][0][2] = "00" * 32
    broken["hkdf"][0][4] = "00" * 42
    broken["fcs"][1][1] = 0
    broken["typed"][0]["right"][0] = "0000"
    broken["typed"][0]["wrong"][0] = GOLDEN["typed"][0]["text"]
    broken["exchanges"][0]["out"] = "7e7e"
    broken["record"] = 0
    assert len(check_vectors.failures(broken)) == 7


@pytest.mark.parametrize("case", GOLDEN["hmac"])
def test_hmac_of_rfc_4231(case):
    key, data, wanted = map(bytes.fromhex, case)
    assert tokens.hmac.digest(key, data, "sha256") == wanted


@pytest.mark.parametrize("case", GOLDEN["hkdf"])
def test_hkdf_of_rfc_5869(case):
    material, salt, info, key, output = map(bytes.fromhex, case)
    assert tokens.hkdf_extract(salt, material) == key
    assert tokens.hkdf_expand(key, info, len(output)) == output


@given(st.binary(max_size=300))
def test_fcs_is_crc_16_x_25(data):
    assert fcs.fcs16(data) == X25(data)
    assert firmware_fcs.good(data + X25(data).to_bytes(2, "little"))


@given(st.lists(st.binary(min_size=1, max_size=256), max_size=5), st.integers(1, 40))
def test_frames_read_back_in_any_pieces(contents, piece):
    wire = b"".join(framing.encode(content) for content in contents)
    decoder = framing.Decoder()
    seen = []
    for i in range(0, len(wire), piece):
        seen.extend(decoder.feed(wire[i : i + piece]))
    assert seen == contents
    assert decoder.bad == 0
    assert not decoder.text


@given(st.binary(max_size=64), st.binary(min_size=1, max_size=100))
def test_a_frame_after_any_noise_is_read_at_the_latest_after_a_line_end(noise, content):
    decoder = framing.Decoder()
    list(decoder.feed(noise))
    list(decoder.feed(b"\r"))
    assert list(decoder.feed(framing.encode(content))) == [content]


@given(st.binary(max_size=256))
def test_no_control_character_stands_in_a_frame(content):
    assert all(octet >= 0x20 for octet in framing.encode(content))


def test_answers_fit_a_frame():
    entries = messages.PAGE * messages.Entry.sizeof()
    largest = max(struct.sizeof() for struct in messages.ANSWERS.values() if struct is not None)
    page = messages.EventsPage.sizeof() + entries
    assert max(largest, page, messages.MAX_PING) + messages.Header.sizeof() <= framing.MAX_CONTENT
    assert tokens.KeyToken.sizeof() + messages.Header.sizeof() <= framing.MAX_CONTENT
