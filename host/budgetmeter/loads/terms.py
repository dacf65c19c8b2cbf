"""Words that headers of consumption are made of, in Dutch, French, German and English."""

import re
import unicodedata
from collections.abc import Iterable

from budgetmeter.loads.numbers import UNITS


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


TIME = _set(
    "time timestamp datetime date datum tijd tijdstip uur hour heure horodate horodatage zeit "
    "zeitstempel zeitpunkt uhrzeit datumtijd dateheure when period periode interval moment unix "
    "epoch unixtime ts timestamputc utc messzeitpunkt"
)
FROM = _set("from van de du von start begin begins debut beginn starttime startdate vanaf ab")
TO = _set("to tot bis au until end einde fin ende endtime enddate stop")
CLOCK = _set("time tijd tijdstip uur hour heure uhrzeit zeit")
DATE = _set("date datum jour dag day tag")
OUT = _set(
    "export exported injectie injection einspeisung teruglevering teruggeleverd retour return "
    "returned production produced productie opwek solar zon pv generation feedin geleverd "
    "lieferung out output yield surplus excess erzeugung ertrag "
    "opgewekt opgewekte zonnepanelen verkocht sold vendu eingespeist"
)
NOT = _set(
    "reactive reactief reaktiv reactive_power voltage volt spanning tension spannung current amps "
    "ampere stroomsterkte max maximum min minimum cost kosten cout price "
    "prijs prix preis eur euro gas water temperature temperatuur factor cosphi frequency hz "
    "capacity soc battery batterie akku powerwall forecast prognose voorspelling prevision"
)
INDEX = _set(
    "index meterstand stand zahlerstand total totaal cumulative cumul cumulatief teller reading "
    "releve tellerstand standen lifetime"
)
PARTS = _set(
    "t1 t2 tarif1 tarif2 tariff1 tariff2 dag nacht day night jour nuit tag hp hc hph hch hpb hcb "
    "laag hoog low high normaal normal dal piekuren creuses pleines ht nt offpeak 1 2 t l1 l2 l3 "
    "phase1 phase2 phase3 heures tarief tarif tariff dagverbruik nachtverbruik normaaltarief "
    "laagtarief hoogtarief dagtarief nachttarief daltarief piektarief"
)
ENERGY = _set(
    "energy energie energia verbruik consumption consommation verbrauch usage afname bezug "
    "prelevement soutirage soutire soutiree consumed volume volumen entnahme messwert"
)
POWER = _set("power vermogen puissance leistung wattage load")
VALUE = _set("value waarde valeur wert amount quantity hoeveelheid quantite menge reading")
UNIT = _set("unit units eenheid unite einheit uom")
UTC = _set("utc timestamputc gmt")
REGISTER = _set("register registre")
HOUSEHOLD = _set("household lclid meterid customer")
# Highest of an interval where the column is power; a tariff where it is energy.
PEAK = _set("peak piek pointe spitze")
DIRECTION = _set("direction richting richtung sens type soort flow")
OUT_IN_CELLS = ("*inject*", "*export*", "*einspeis*", "*retour*", "*teruglever*", "*feed*in*",
                "*production*", "*productie*", "*generation*")  # fmt: skip
# What the name of a total may have besides its unit.
TOTAL = ENERGY | POWER | VALUE | INDEX | _set(
    "import imported active grid net sum somme summe gesamt all electricity elektriciteit "
    "electricite elektrizitat strom stroom house home whole main mains aggregate from to the"
)  # fmt: skip
# Languages whose dates begin with the day.
DAY_FIRST = _set(
    "datum tijd tijdstip uur van tot vanaf einde verbruik afname waarde eenheid vermogen heure "
    "horodate horodatage debut fin jour consommation puissance valeur quantite unite du au zeit "
    "zeitstempel zeitpunkt uhrzeit von bis verbrauch leistung bezug wert einheit messzeitpunkt "
    "messwert soutire soutiree afgenomen bezogen"
)
_OUT_STEMS = ("inject", "export", "einspeis", "teruglever", "uberschuss", "produktion", "productie")
# Codes of registers: 1-0:1.8.0 is what was drawn so far, 2.29.0 what was fed in of an interval.
_CODE = re.compile(r"(?<![\d.])(?:\d-\d:)?([12])\.(\d{1,2})\.\d(?![\d.])", re.ASCII)
_OUT_SIGN = re.compile(
    r"\b[AP]\s?-(?=\s|$|\()|(?:^|\s)-[AP]\b|\bto[ _]grid\b|\bnaar (?:het )?net\b", re.I
)
PRICE = re.compile(r"(?:/|\bper\b)\s*[mkg]?wh?\b", re.IGNORECASE)  # or grams of carbon
_PER_HOUR = re.compile(r"\b(k?)wh\s*/\s*h\b", re.IGNORECASE)


def words(name: str) -> list[str]:
    """The words of a column's name: small, without accents, apart from their signs."""
    name = re.sub(r"(?<=[a-z]{2})(?=[A-Z][a-z])(?!Wh)", " ", name.strip().strip("\ufeff"))
    name = unicodedata.normalize("NFKD", name.casefold().replace("³", "3"))
    name = "".join(c for c in name if not unicodedata.combining(c))
    return [word for word in re.split(r"[^a-z0-9]+", name) if word]


def unit_of(name: str) -> str | None:
    """The unit in the name of a column; None without one."""
    if hourly := _PER_HOUR.search(name):
        return hourly[1].casefold() + "w"
    if PRICE.search(name):
        return None
    found = [word for word in words(name) if word in UNITS]
    compact = re.sub(r"[^a-z]", "", name.casefold())
    if compact in UNITS:
        return compact
    return found[0] if found else None


def flows_out(name: str, named: Iterable[str]) -> bool:
    """Whether a column is of what is fed in."""
    code = _CODE.search(name)
    if (code and code[1] == "2") or _OUT_SIGN.search(name):
        return True
    return any(word in OUT or any(stem in word for stem in _OUT_STEMS) for word in named)


def counts(name: str, named: Iterable[str]) -> bool:
    """Whether a column is a register."""
    code = _CODE.search(name)
    return bool(set(named) & INDEX or (code and code[2] == "8"))
