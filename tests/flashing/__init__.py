"""`budgetmeter flash` end to end: the real mpremote against the real REPL of MicroPython."""
