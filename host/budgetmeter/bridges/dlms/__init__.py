"""A meter as a DLMS/COSEM server: reading, and tokens through the token gateway; nothing is set.

`data` and `apdu` declare the octets with construct, `wrapper` and `hdlc` carry them, `objects` is
the meter in COSEM's words, `profile` its load profile. `session` answers one client; `ports` is
beside an emulated meter, `serve` in front of a meter at a URL.
"""
