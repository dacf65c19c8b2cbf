"""The card slot."""
