"""The case book against borders, a second model, lives of all actors, and its own mutants."""
