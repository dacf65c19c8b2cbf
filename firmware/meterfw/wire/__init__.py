"""The serial port: the link, the service in frames, the console in text."""
