"""Figures, as JSON lines: medians of several runs side by side. `make bench`."""
