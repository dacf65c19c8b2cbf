"""Tokens: the gateway that judges them, and the till that books them."""
