"""The bridges: MQTT, metrics and DLMS, in the eyes of programs that nobody here wrote."""
