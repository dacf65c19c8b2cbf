"""The command `budgetmeter`, also as `python -m budgetmeter`."""

import sys


def main() -> None:
    """Entry point: Ctrl-C is silent and exit status 130, also while modules are loaded."""
    try:
        from budgetmeter.cli import main as cli  # noqa: PLC0415

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
