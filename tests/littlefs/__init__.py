"""Real MicroPython with its real littlefs: a story on a flash in memory, cut at every operation."""
