"""The account: the rules of credit and supply, the orders that change it, the calendar."""
