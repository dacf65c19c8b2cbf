"""The firmware of the budget meter. Runs unchanged on a board and on the emulator."""

VERSION = "0.1.0"
