"""P1 telegrams in the eyes of strangers, and on the board."""
