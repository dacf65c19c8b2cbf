"""The P1 port: what a Belgian digital meter sends once a second, and the peaks it tells of."""
