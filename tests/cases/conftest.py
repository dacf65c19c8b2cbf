"""The command's entry point in a folder with an office, one meter and its card."""

from tests.host.test_cards_cli import cli

__all__ = ["cli"]
