"""What dsmr_parser says of telegrams: JSON list of texts on standard input, answers on output.

`python dsmr.py FOLDER` reads with the release installed in that folder.
"""

import json
import sys

if __name__ == "__main__" and len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])

from dsmr_parser.exceptions import InvalidChecksumError, ParseError
from dsmr_parser.parsers import TelegramParser
from dsmr_parser.telegram_specifications import BELGIUM_FLUVIUS

parser = TelegramParser(BELGIUM_FLUVIUS)
REFUSED = (InvalidChecksumError, ParseError)


NAMES = {
    "breaker": "ACTUAL_SWITCH_POSITION",
    "limit_kw": "ACTUAL_TRESHOLD_ELECTRICITY",
    "fuse_a": "FUSE_THRESHOLD_L1",
    "text": "TEXT_MESSAGE",
    "kwh": "ELECTRICITY_USED_TARIFF_1",
    "time": "P1_MESSAGE_TIMESTAMP",
}


def read(telegram):
    """Breaker, limit, fuse and so on, and of a gas meter the valve; the reason when refused."""
    try:
        found = parser.parse(telegram)
    except REFUSED as error:
        return {"refused": type(error).__name__}
    answer = {
        name: str(getattr(found, theirs).value)
        for name, theirs in NAMES.items()
        if hasattr(found, theirs)
    }
    if "text" in answer:
        answer["text"] = bytes.fromhex(answer["text"].replace("None", "")).decode("ascii")
    for device in getattr(found, "MBUS_DEVICES", []):
        answer["valve"] = str(device.MBUS_VALVE_POSITION.value)
        answer["gas_m3"] = str(device.MBUS_METER_READING.value)
    return answer


if __name__ == "__main__":
    print(json.dumps([read(telegram) for telegram in json.load(sys.stdin)]))
