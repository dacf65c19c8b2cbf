"""Power cuts everywhere: a story of a meter on flash, cut at every operation, and cut again."""
