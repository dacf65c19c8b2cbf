"""Amounts and numbers that are read as something else than what was meant.

Money is digits, one point, at most two decimals; the comma of the country is answered with the
right spelling. A serial number is digits, with or without zeros before it; an identifier is refused
where it is too long, never cut. What is refused is one line, and nothing is issued.
"""

import pytest

from tests.host.test_cards_cli import METER, on_the_way, one_line, told

WAYS = {
    "token": ("token", "issue", "top-up", "--meter", METER, "--amount="),
    "queue": ("office", "queue", "top-up", "--meter", METER, "amount="),
    "terminal": ("terminal", "exchange", "a.card", "--pay="),
}
ODD = (
    *("20,00", "1.234,56", "0", "-5", "0.000001", "250.01", "nan", "1e999", "0x10", "٢٠", ""),
    *("20.00EUR", "20.00.00", "2 0"),
)
SOLD = [
    *(("token", text) for text in ("2_50", "1e2", "+20", " 20 ", "20.005", "0.00001")),
    *(("queue", text) for text in ("2_50", "1e2", "20.005")),
    *(("terminal", text) for text in ("2_50", "1e2", " 20 ")),
]


def pay(cli, way, text):
    *verb, option = WAYS[way]
    return cli(*verb, option + text)


def nothing_is_sold(cli):
    (one,) = told(cli("office", "report", "--json"))
    return one["items"] == [] and on_the_way(cli) == "0.00000"


@pytest.mark.parametrize(("way", "text"), SOLD)
def test_what_is_no_plain_amount_is_not_sold(cli, way, text):
    done = pay(cli, way, text)
    assert nothing_is_sold(cli)
    one_line(done)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_amount_at_all_is_not_sold(cli, way):
    for text in ODD:
        one_line(pay(cli, way, text))
    assert nothing_is_sold(cli)


@pytest.mark.parametrize("way", WAYS)
def test_plain_amounts_are_sold(cli, way):
    for text in ("20", "20.0", "20.00", "020.00"):
        assert pay(cli, way, text).returncode == 0


@pytest.mark.parametrize("way", WAYS)
def test_the_comma_of_the_country_is_answered_with_the_right_spelling(cli, way):
    assert "20.00" in one_line(pay(cli, way, "20,00"))


# ---- Numbers and names -------------------------------------------------------------------------


@pytest.fixture
def sold_to(cli):
    """Issues a token for a serial number as it is written."""
    assert cli("office", "add-meter", "12345678").returncode == 0

    def issue(text):
        return cli("token", "issue", "test", "--meter", text, "--json")

    return issue


def test_zeros_before_a_serial_number_do_not_matter(sold_to):
    for text in ("12345678", "012345678", "00012345678"):
        assert told(sold_to(text))["meter"] == 12_345_678


def test_what_is_no_serial_number_is_refused(sold_to):
    for text in ("١٢٣٤٥٦٧٨", "1234567890", "0x1", ""):
        one_line(sold_to(text))


@pytest.mark.parametrize("text", ["1_2345678", "12345678.0", " 12345678"])
def test_what_is_not_digits_alone_is_no_serial_number(sold_to, text):
    one_line(sold_to(text))


def test_a_customer_number_that_is_too_long_is_refused(cli):
    one_line(cli("office", "add-meter", "7", "--customer", "BE" + "1" * 40))
