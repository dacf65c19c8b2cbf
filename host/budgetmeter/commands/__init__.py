"""Groups of verbs of the command line."""
