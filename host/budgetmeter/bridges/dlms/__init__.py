"""A meter as a DLMS/COSEM server: reading, and tokens through the token gateway; nothing is set.

`data` and `apdu` declare the octets with construct; `wrapper` and `hdlc` carry them. `objects` is
the meter in COSEM's words, made of `things`; the classes about money are in `payment`. `history` is
its load profile, `selection` the choice among its rows. `session` answers one client. `ports` puts
it on TCP, beside an emulated meter and in front of a meter at a URL.
"""
