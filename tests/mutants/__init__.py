"""Mutants: one small change of the firmware at a time, and whether a test notices it.

`python -m tests.mutants` makes every mutant of the modules that hold the account, or a share of
them. `change` makes the changes, `trial` tries one in a forked process, `reach` finds the tests
that run a line.
"""
