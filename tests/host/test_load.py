"""Reading consumption: what a file may hold, and every mistake by its line."""

import gzip
from datetime import datetime

import pytest
from budgetmeter import loads
from budgetmeter.errors import InputError


@pytest.fixture
def csv(tmp_path):
    def write(text, name="load.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_watts_and_amps(csv):
    load = loads.read(csv("time,watts,amps\n2020-01-01T00:00,230,1.1\n2020-01-01T00:15,460,\n"))
    assert (load.start, load.interval, load.seconds) == (datetime(2020, 1, 1), 900, 1800)
    assert load.at(0) == loads.Draw(230, 1100, 230, 900, 230)
    assert load.at(899).rate == 230
    assert load.at(900) == loads.Draw(460, 2000, 460, 1800, 460)
    assert load.at(1800) == loads.NOTHING


def test_litres_are_the_volume_of_the_sample(csv):
    load = loads.read(csv("time,litres\n2020-01-01 00:00,100\n2020-01-01 00:15,0\n"), gas=True)
    assert load.at(0) == loads.Draw(400, 0, 0, 900, 400)


def test_missing_samples_and_missing_rows_draw_nothing(csv):
    load = loads.read(
        csv("time,watts\n2020-01-01T00:00,100\n2020-01-01T00:01,\n2020-01-01T00:04,50\n")
    )
    assert [load.at(60 * i).missing for i in range(5)] == [False, True, True, True, False]
    assert [load.at(60 * i).rate for i in range(5)] == [100, 0, 0, 0, 50]


def test_nine_years_without_a_row_need_no_room(csv):
    load = loads.read(csv("time,watts\n2000-01-01T00:00:00,5\n2000-01-01T00:00:01,5\n2009-01-01,5"))
    assert len(load.rates) == 4
    assert load.at(4) == loads.Draw(0, 0, 0, load.seconds - 1, 0, True)  # a row holds for 3 s


def test_a_row_a_day_is_the_least(csv):
    load = loads.read(csv("time,watts\n2020-01-01,100\n2020-01-02,\n2020-01-09,50\n"))
    assert (load.interval, load.seconds) == (86_400, 9 * 86_400)
    assert [load.at(86_400 * day).missing for day in range(9)] == [False, *[True] * 7, False]


def test_compressed_files_and_byte_order_marks(csv):
    text = "\ufefftime,watts\r\n2020-01-01T00:00,100\r\n"
    assert loads.read(csv(gzip.compress(text.encode()))).rates[0] == 100


def test_replay_can_begin_later(csv):
    load = loads.read(csv("time,watts\n2020-01-01T00:00,1\n2020-01-01T00:01,2\n"))
    load.skip_to(datetime(2020, 1, 1, 0, 1))
    assert (load.at(0).rate, load.seconds) == (2, 60)
    with pytest.raises(InputError, match="2020-01-01T00:00 to 2020-01-01T00:02"):
        load.skip_to(datetime(2020, 1, 2))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty file"),
        ("time,watts\n", "no samples"),
        ("time,power\n2020-01-01,5\n", "line 1: no column watts; in which unit is power?"),
        ("time,watts\n2020-01-01,5\nsoon,5\n", "line 3: 'soon' is not a time"),
        ("time,watts\n2020-01-01,five\n", "line 2: 'five' is not a number of watts"),
        ("time,watts\n2020-01-01,-5\n", "line 2: -5 watts is not between 0 and 100000"),
        ("time,watts\n2020-01-01,100001\n", "line 2: 100001 watts is not between"),
        ("time,watts\n2020-01-01,nan\n", "no samples"),
        ("time,watts,amps\n2020-01-01,5,501\n", "line 2: 501 amps is not between 0 and 500"),
        ("time,watts\n2020-01-01,5,6\n", "line 2: 3 fields where the header has 2"),
        ("time,watts\n2020-01-02,5\n2020-01-01,5\n", "line 3: time does not move on"),
        ("time,watts\n2020-01-01,5\n2020-01-01,5\n", "line 3: time does not move on"),
        ("time,watts\n2020-01-01T00:00:00.1,5\n2020-01-01T00:00:00.2,5\n", "less than a second"),
        (b"\xff\xfe\x00", "not a text file (UTF-8)"),
        (
            "time,watts\n2020-01-01,5\n2024-01-01,5\n",
            "rows are 1461 d 0 h 00 min apart, at most a day",
        ),
        ("time,watts\n2020-01-01T00:00,5\n2020-01-02T00:01,5\n", "rows are 1 d 0 h 01 min apart"),
        (b"\x1f\x8bnope", "damaged, cannot be unpacked"),
        (b"\x1f\x8b\x08\x00" + bytes(range(1, 90)), "damaged, cannot be unpacked"),
        (gzip.compress(b"time,watts\n" * 99, mtime=0)[:30], "damaged, cannot be unpacked"),
        ("time,watts\n2020-01-01," + "9" * 200_000, "line 2: field larger than field limit"),
        ("time,watts\n2020-01-01,1e999999999\n", "line 2: '1e999999999' is not a number"),
        ("time,watts\n0001-01-01,5\n", "line 2: '0001-01-01' is not within 2000 to 2099"),
        ("time,watts\n1999-12-31T23:59,5\n", "line 2: '1999-12-31T23:59' is not within"),
        ("time,watts\n2099-12-31,5\n2100-01-01,5\n", "line 3: '2100-01-01' is not within"),
    ],
)
def test_bad_files_are_one_line(csv, text, said):
    path = csv(text)
    with pytest.raises(InputError) as raised:
        loads.read(path)
    message = str(raised.value)
    assert message.startswith(str(path))
    assert said in message
    assert "\n" not in message


def test_litres_beyond_a_household(csv):
    with pytest.raises(InputError, match="not a household"):
        loads.read(csv("time,litres\n2020-01-01T00:00,90000\n2020-01-01T00:01,1\n"), gas=True)


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        loads.read(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="not the name of a file"):
        loads.read("\0")


def test_synthetic_gas_is_seeded_and_says_what_it_is():
    first, second = (loads.synthetic_gas(datetime(2007, 1, 1), 30, seed=4) for _ in range(2))
    assert first.rates == second.rates
    assert first.rates != loads.synthetic_gas(datetime(2007, 1, 1), 30, seed=5).rates
    assert "synthetic" in first.label
    daily = sum(first.rates) / 4 / 30
    assert 2_000 < daily < 10_000  # litres a day in January
