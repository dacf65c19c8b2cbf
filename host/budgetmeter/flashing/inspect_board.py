# Runs on the board, in its REPL: tells what it is and which files it has, as one line of JSON.
import binascii
import hashlib
import json
import os
import sys

CHECKED = ("py", "mpy", "identity", "profile", "words")  # others are the meter's, or the user's
FOLDERS = ("meterfw",)  # of ours; `remote` puts all of them here
NEEDS = ("rp2", "StateMachine")  # and what the board wanted cannot do without

folders = []


def sha256(path: str) -> str:
    digest, buffer = hashlib.sha256(), bytearray(512)
    with open(path, "rb") as file:
        size = file.readinto(buffer)
        while size:
            digest.update(memoryview(buffer)[:size])
            size = file.readinto(buffer)
    return binascii.hexlify(digest.digest()).decode()


def files(folder: str, found: dict) -> dict:
    for entry in os.ilistdir(folder):
        name = folder + entry[0]
        if entry[1] == 0x4000:
            if folder or name in FOLDERS:
                folders.append(name)
                files(name + "/", found)
            continue
        ours = folder or name.rsplit(".", 1)[-1] in CHECKED
        found[name] = (os.stat(name)[6], sha256(name) if ours else "")
    return found


def contents(name: str) -> str:
    try:
        with open(name, "rb") as file:
            return binascii.hexlify(file.read(256)).decode()
    except OSError:
        return ""


def has(module: str, attribute: str = "") -> bool:
    try:
        found = __import__(module)
    except Exception:  # not there, or half of it
        return False
    return not attribute or hasattr(found, attribute)


space = os.statvfs("")
print(
    json.dumps(
        {
            "platform": sys.platform,
            "release": list(sys.implementation.version)[:3],
            "machine": getattr(sys.implementation, "_machine", sys.platform),
            "mpy": getattr(sys.implementation, "_mpy", 0) & 0xFF,
            "fits": has(*NEEDS),
            "display": has("ssd1306"),
            "block": space[0],
            "free": space[3],
            "files": files("", {}),
            "folders": folders,
            "identity": contents("identity"),
            "key": contents("key"),
        }
    )
)
