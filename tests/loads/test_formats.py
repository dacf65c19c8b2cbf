"""Forms in which portals and loggers write: read to the Wh, or refused in one line that says why.

The files are made here in the form that each publisher describes; what is in them is known.
"""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from budgetmeter import loads
from budgetmeter.errors import InputError

from tests.loads.written import given

BEGIN = datetime(2025, 6, 1)
HALF = 48  # half hours
WH = HALF * 250


def table(head, row, minutes=30, count=HALF, latest_first=False):
    """A text: a header, and a row for each interval; `row` makes one of its number, begin and end.

    A row may be several lines.
    """
    times = [BEGIN + timedelta(minutes=minutes * i) for i in range(count + 1)]
    rows = [row(i, begin, end) for i, (begin, end) in enumerate(pairwise(times))]
    return "\n".join([head, *(rows[::-1] if latest_first else rows)]) + "\n"


def day(head, cells, dates=("01.06.2025", "02.06.2025")):
    """A row a day."""
    return "\n".join([*head, *(";".join([date, *cells]) for date in dates)]) + "\n"


def clocks(count, ends=False):
    step = timedelta(days=1) / count
    times = [BEGIN + step * (i + ends) for i in range(count)]
    return ";".join(f"{time:%H:%M}" for time in times)


ESB = "MPRN,Meter Serial Number,Read Value,Read Type,Read Date and End Time"
FLUVIUS_DE = (
    "Von (Datum);Von (Uhrzeit);Bis (Datum);Bis (Uhrzeit);EAN-Code;Zähler;Zählertyp;Register;"
    "Volumen;Einheit;Validierungsstatus"
)
ENEDIS = "Identifiant PRM;Grandeur physique;Grandeur métier;Etape métier;Unité;Horodate;Valeur;Pas"

# A file, the Wh in it, and when it begins (UTC+1; None: not asked).
RIGHT = {
    "ESB Networks, mean power, with what is fed in, latest first": (
        table(ESB, lambda _, a, b: "\n".join(
            f"10,34,{kw},Active {what} Interval (kW),{b:%d-%m-%Y %H:%M}"
            for what, kw in (("Import", 0.5), ("Export", 0.2))
        ), latest_first=True), WH, BEGIN,
    ),
    "ESB Networks, energy": (
        table(ESB, lambda _, a, b: (
            f"10,34,0.25,Active Import Interval (kWh),{b:%d-%m-%Y %H:%M}"
        ), latest_first=True), WH, BEGIN,
    ),
    "Enedis, new columns, local times of the end": (
        table(ENEDIS, lambda _, a, b: f"19;PA;CONS;BRUT;W;{b:%Y-%m-%d %H:%M:%S};500;PT30M"),
        WH, BEGIN - timedelta(hours=1),
    ),
    "Enedis, registers": (
        "Identifiant PRM;Type de donnees\n19;Index\n"
        "Horodate;Type de releve;EAS F1;EAS F2;EAS T\n" + "".join(
            f"2025-06-0{i}T00:00:00+02:00;Quotidien;{1000 + 6000 * i};{2000 + 6000 * i};"
            f"{3000 + 12000 * i}\n" for i in range(1, 6)
        ), 48_000, None,
    ),
    "a French portal: day first, kW in its own spelling": (
        table("Début;Fin;Valeur (en Kw)", lambda _, a, b: (
            f"{a:%d/%m/%Y %H:%M:%S};{b:%d/%m/%Y %H:%M:%S};0,500"
        )), WH, BEGIN,
    ),
    "Fluvius' columns in German": (
        table(FLUVIUS_DE, lambda _, a, b: "\n".join(
            f'{a:%d-%m-%Y;%H:%M:%S};{b:%d-%m-%Y;%H:%M:%S};="5414";1SAG;Digital;{name};{kwh};kWh;x'
            for name, kwh in (("Entnahme Tag", "0,250"), ("Einspeisung Tag", "0,111"))
        )), WH, BEGIN,
    ),
    "registers named by compounds": (
        table(
            "Datum;Tijdstip;levering normaaltarief [kWh];levering laagtarief [kWh];"
            "teruglevering normaaltarief [kWh]",
            lambda _, a, b: f"{a:%d-%m-%Y;%H:%M};0,15;0,10;0,5",
        ), WH, BEGIN,
    ),
    "tariffs called peak": (
        table("Datum;Piek (kWh);Dal (kWh)", lambda _, a, b: f"{a.isoformat()};0,15;0,10"),
        WH, BEGIN,
    ),
    "three phases called A, B and C": (
        table(
            "Date/time UTC,Active energy Wh (A),Returned energy Wh (A),Active energy Wh (B),"
            "Active energy Wh (C)",
            lambda _, a, b: f"{a:%Y-%m-%d %H:%M},100,9,100,50",
        ), WH, BEGIN + timedelta(hours=1),
    ),
    "codes of registers": (
        table("Datum;Uhrzeit;1-1:1.29.0 (kWh);1-1:2.29.0 (kWh)", lambda _, a, b: (
            f"{a:%d.%m.%Y;%H:%M};0,25;0,1"
        )), WH, BEGIN,
    ),
    "a code that counts up": (
        table("time;1.8.0 kWh;2.8.0 kWh", lambda i, a, b: (
            f"{a.isoformat()};{10 + 0.25 * i};{5 + 0.1 * i}"
        )), WH - 250, BEGIN,
    ),
    "a surplus": (
        table("Datum von;Datum bis;Restnetzbezug - kWh;Restüberschuss - kWh", lambda _, a, b: (
            f"{a:%d.%m.%Y %H:%M};{b:%d.%m.%Y %H:%M};0,25;0,1"
        )), WH, BEGIN,
    ),
    "Datadis, hours by their end, 24:00": (
        table("CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion", lambda _, a, b: (
            f"ES01;{a:%Y/%m/%d};{a.hour + 1:02d}:00;0,5;Real"
        ), minutes=60, count=24), WH, BEGIN - timedelta(hours=1),
    ),
    "Eloverblik": (
        table("MålepunktsID;Fra_dato;Til_dato;Mængde;Måleenhed;Kvalitet;Type", lambda _, a, b: (
            f"571;{a:%d-%m-%Y %H:%M:%S};{b:%d-%m-%Y %H:%M:%S};0,5;kWh;Målt;Tidsserie"
        ), minutes=60, count=24), WH, BEGIN - timedelta(hours=1),
    ),
    "Fingrid Datahub": (
        table(
            "Metering point GSRN;Product Code;Resolution;Unit type;Reading type;Start time;"
            "Quantity;Quality",
            lambda _, a, b: f"64;87;PT1H;kWh;BN01;{a:%Y-%m-%dT%H:%M:%SZ};0,5;OK",
            minutes=60, count=24,
        ), WH, BEGIN + timedelta(hours=1),
    ),
    "a price beside": (
        table("Date,Unit rate (p/kWh),Consumption (kWh)", lambda _, a, b: (
            f"{a.isoformat()},31,0.25"
        )), WH, BEGIN,
    ),
    "kWh per hour are kW": (
        table("Date;Leistung kWh/h", lambda _, a, b: f"{a.isoformat()};0,5"), WH, BEGIN,
    ),
    "rows of what is fed in, at other times": (
        table("Date;Type;kWh", lambda i, a, b: (
            f"{a.isoformat()};{'Feed-in' if i % 2 else 'Import'};0,5"
        )), WH, BEGIN,
    ),
    "a time in UTC beside the local one": (
        table("Time (local),Time (UTC),kWh", lambda _, a, b: (
            f"{a + timedelta(hours=2):%Y-%m-%d %H:%M},{a:%Y-%m-%d %H:%M},0.25"
        )), WH, BEGIN + timedelta(hours=1),
    ),
    "a total of rows, no register": (
        table("Date,Total consumption (kWh)", lambda i, a, b: (
            f"{a.isoformat()},{0.3 if i % 2 else 0.2}"
        )), WH, BEGIN,
    ),
    "a register of the day": (
        table("Date,today_kwh", lambda i, a, b: (
            f"{a.isoformat()},{0.25 * (i % 48 + 1)}"
        ), count=96), 2 * WH - 2 * 250, BEGIN,
    ),
    "a row a day, quarter-hours by their begin": (
        day(["Verbruik in kWh", f"Datum;{clocks(96)}"], ["0,125"] * 96), 2 * WH, BEGIN,
    ),
    "a row a day, half hours by their end, latest first": (
        day(["kWh", f"Datum;{clocks(48, True)}"], ["0,25"] * 48, ("02-06-2025", "01-06-2025")),
        2 * WH, BEGIN,
    ),
    "a row a day, its unit, its total and what is fed in": (
        "Datum;Type;Eenheid;" + clocks(24) + ";Totaal\n" + "".join(
            f"0{i}-06-2025;{what};kWh;" + ";".join(["0,5"] * 24) + ";12\n"
            for i in (1, 2) for what in ("Afname", "Injectie")
        ), 2 * WH, BEGIN,
    ),
    "a row a day, ranges of clocks": (
        "Vermogen in kW\nDatum;" + ";".join(f"{h:02d}:00-{(h + 1) % 24:02d}:00" for h in range(24))
        + "\n01-06-2025;" + ";".join(["0,5"] * 24) + "\n", WH, BEGIN,
    ),
}  # fmt: skip

# A file, and words of the line that refuses it.
REFUSED = {
    "what a home feeds in": (
        table(ENEDIS, lambda _, a, b: f"19;PA;PROD;BRUT;W;{b:%Y-%m-%d %H:%M:%S};500;PT30M"),
        "no samples: all 48 rows are injection",
    ),
    "a code of what is fed in": (
        table("Zeit;1-1:2.29.0 (kWh)", lambda _, a, b: f"{a.isoformat()};0,1"), "no column watts",
    ),
    "a sign of what is fed in": (
        table("Zeit;A- (kWh)", lambda _, a, b: f"{a.isoformat()};0,1"), "no column watts",
    ),
    "grams of carbon": (
        table("Date,gCO2/kWh", lambda _, a, b: f"{a.isoformat()},25"), "no column watts",
    ),
    "subscribed power, a row a month": (
        "Date;Puissance (kVA);HP kWh\n01/05/2025;6;10\n01/06/2025;6;11\n", "apart, at most a day",
    ),
    "a row a month, the day first or the month": (
        "date,kWh\n" + "".join(f"01/0{i}/2025,9\n" for i in range(1, 7)), "day or month first",
    ),
    "thousands or decimals": (
        table("time,watts", lambda i, a, b: f"{a.isoformat()},{'1.250' if i % 2 else '250'}"),
        "1.250 beside 250: decimals or thousands?",
    ),
    "a part that is no tariff": (
        table("time,EV charger kWh,Day kWh,Night kWh", lambda _, a, b: (
            f"{a.isoformat()},0.3,0.1,0.15"
        )), "which of these is the load",
    ),
    "parts of a home": (
        table("Date,Heating (kWh),Hot water (kWh)", lambda _, a, b: f"{a.isoformat()},0.2,0.1"),
        "which of these is the load",
    ),
    "a total that never changes": (
        table("Date,Total kWh", lambda _, a, b: f"{a.isoformat()},0.25"), "never changes",
    ),
    "a row a day without a unit": (
        day([f"Datum;{clocks(96)}"], ["0,125"] * 96), "in which unit are the columns",
    ),
    "a row a day, an hour twice": (
        day([f"kWh\nDatum;{clocks(24)};23:00"], ["0,5"] * 25), "do not go through a day",
    ),
    "a row a day without a date": (
        day([f"kWh\nnaam;{clocks(24)}"], ["0,5"] * 24), "no column date beside 00:00",
    ),
    "registers, power and increments at once": (
        table("TIMESTAMP,VERBR_KWH_181,VERBR_KWH_X,ACT_VERBR_KW_170", lambda i, a, b: (
            f"{a:%Y-%m-%d %H:%M:%S},{1000 + 0.25 * i},0.25,0.5"
        )), "which of these is the load",
    ),
    "no header": ("100,NEM12,202506010000\n300,20250601,0.25\n", "no column watts"),
    "XML": ('<?xml version="1.0"?>\n<feed><entry/></feed>\n', "XML is not read; save it as CSV"),
}  # fmt: skip


def written(folder, text):
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", RIGHT)
def test_it_is_read_to_the_watt_hour(name, tmp_path):
    text, wh, begin = RIGHT[name]
    load = loads.read(written(tmp_path, text))
    assert given(load)[0] == pytest.approx(wh, abs=1)
    assert begin is None or load.begin == begin


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_line(name, tmp_path):
    text, words = REFUSED[name]
    path = written(tmp_path, text)
    with pytest.raises(InputError) as refused:
        loads.read(path)
    assert words in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_a_workbook_is_refused_by_its_kind(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"PK\x03\x04\x14\0\6\0")
    with pytest.raises(InputError, match="an Excel or ZIP file is not read; save it as CSV"):
        loads.read(path)


def test_a_row_a_day_skips_the_hour_that_summer_time_skips(tmp_path):
    cells = [["0,5"] * 24, ["0,5", "0,5", "", *["0,5"] * 21]]
    text = f"kWh\nDatum;{clocks(24)}\n" + "".join(
        f"{29 + i}-03-2025;{';'.join(row)}\n" for i, row in enumerate(cells)
    )
    load = loads.read(written(tmp_path, text), request=loads.Request(zone="Europe/Brussels"))
    assert given(load) == (23_500, 0)
    with pytest.raises(InputError, match="'30-03-2025 02:00' does not exist"):
        loads.read(
            written(tmp_path, text.replace(";;", ";0,5;")),
            request=loads.Request(zone="Europe/Brussels"),
        )


def test_an_empty_cell_of_a_row_a_day_is_missing(tmp_path):
    text = f"kWh\nDatum;{clocks(24)}\n" + "".join(
        f"0{i}-06-2025;{';'.join(['0,5'] * (22 if i == 1 else 24))}{';;' if i == 1 else ''}\n"
        for i in (1, 2)
    )
    assert given(loads.read(written(tmp_path, text))) == (23_000, 2 * 3600)


def test_a_shape_of_ones_own_for_a_row_a_day(tmp_path):
    shape = tmp_path / "mine.toml"
    shape.write_text('wide = true\ntime = "Giorno"\nkind = "energy"\nunit = "kWh"\norder = "dmy"\n')
    text = f"Giorno;{clocks(96)}\n" + "".join(
        f"0{i}/06/2025;{';'.join(['0,125'] * 96)}\n" for i in (1, 2)
    )
    load = loads.read(written(tmp_path, text), request=loads.Request(shape=str(shape)))
    assert given(load) == (24_000, 0)
    assert load.notes[0].startswith("mine, 192 quarter-hours, 24.000 kWh")


def test_a_register_far_along_that_seldom_grows_is_one(tmp_path):
    text = table("Date,import_kwh", lambda i, a, b: f"{a.isoformat()},{3000 + i // 8}")
    load = loads.read(written(tmp_path, text))
    assert given(load)[0] == 5000
    assert "values only grow: read as an index" in load.notes[0]


def test_a_small_register_that_seldom_grows_is_doubted(tmp_path):
    text = table("Date,energy_kwh", lambda i, a, b: f"{a.isoformat()},{3 + i // 8}")
    assert "call the column index" in loads.read(written(tmp_path, text)).doubts[0]
