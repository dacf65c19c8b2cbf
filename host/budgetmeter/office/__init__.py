"""The vending office: keys, tokens, numbering and the audit log.

`issue` seals tokens for one meter, `keys` keeps the vending keys of an operator in a file, `office`
numbers and records what is issued in a database.
"""
