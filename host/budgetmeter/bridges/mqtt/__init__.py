"""Meters on an MQTT broker, as Home Assistant finds them.

`payload` makes messages of readings, `discovery` what Home Assistant needs to know, `broker` is the
connection, `bridge` joins the three with followed meters.
"""
