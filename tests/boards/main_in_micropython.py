# Run in MicroPython: firmware/main.py on virtual peripherals, ended by its watchdog.
import json

INPUT_SETUP = globals()["INPUT"]
told = json.loads(INPUT_SETUP)
