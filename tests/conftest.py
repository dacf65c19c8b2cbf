"""Options of the device suite; figures that tests count, whichever worker counted them."""


def pytest_addoption(parser):
    group = parser.getgroup("device suite")
    group.addoption(
        "--target",
        action="append",
        help="where tests/device runs: emulator, tcp, pty, micropython, or a port such as "
        "/dev/ttyACM0; may be repeated; by default the four",
    )
    group.addoption("--key", help="vending keys of a meter on a port")


def pytest_terminal_summary(terminalreporter):
    totals = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            called = getattr(report, "when", None) == "call"
            for name, value in report.user_properties if called else ():
                totals[name] = totals.get(name, 0) + value
    for name, value in totals.items():
        terminalreporter.write_line(f"{name}: {value:,}")
