"""Boards on virtual peripherals that behave like the parts."""
