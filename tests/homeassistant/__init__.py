"""Home Assistant's own schemas judge the discovery, in an environment of their own."""
