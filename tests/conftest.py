"""Figures that tests count and the run prints at its end, whichever worker counted them."""


def pytest_terminal_summary(terminalreporter):
    totals = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            called = getattr(report, "when", None) == "call"
            for name, value in report.user_properties if called else ():
                totals[name] = totals.get(name, 0) + value
    for name, value in totals.items():
        terminalreporter.write_line(f"{name}: {value:,}")
