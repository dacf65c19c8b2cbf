"""Bench rigs on virtual peripherals that behave like the parts."""
