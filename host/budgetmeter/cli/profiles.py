"""The verb `profiles`: what each region asks of its meters."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from budgetmeter import catalogue, profiles
from budgetmeter.cli.arguments import some_text
from budgetmeter.profiles import Profile
from budgetmeter.report import screen

console = Console(highlight=False)


def show_profiles(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="one profile, value by value", parser=some_text),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> None:
    """What each region does, with its rule ids and what is left out."""
    chosen = [profiles.load(name)] if name else [profiles.load(n) for n in profiles.names()]
    if as_json:
        print(json.dumps([_profile_data(p) for p in chosen], indent=2))
    elif name:
        _show_profile(chosen[0])
    else:
        _compare(chosen)


def _profile_data(profile: Profile) -> dict[str, Any]:
    values = {
        key: {"value": profiles.shown(key, value), "rules": list(profile.rules[key])}
        for key, value in profile.values.items()
    }
    return {
        "name": profile.name,
        "title": profile.title,
        "region": profile.region,
        "left_out": list(profile.left_out),
        "values": values,
    }


def _show_profile(profile: Profile) -> None:
    console.print(f"[bold]{escape(profile.name)}[/bold]  {escape(profile.title)}")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("value", no_wrap=True)
    for column in ("", "what it is", "rules"):
        table.add_column(column)
    for key, value in profile.values.items():
        rules = ", ".join(profile.rules[key])
        table.add_row(key, profiles.shown(key, value), profiles.QUANTITIES[key][1], rules)
    screen.print_table(console, table)
    ids = sorted({i for ids in profile.rules.values() for i in ids if i != catalogue.NO_SOURCE})
    console.print("\n[bold]rules[/bold]")
    table = _rows()
    for rule_id in ids:
        rule = catalogue.rules()[rule_id]
        table.add_row(rule_id, f"{rule.title} [dim]({rule.clause})[/dim]")
    screen.print_table(console, table)
    console.print("\n[bold]left out[/bold]")
    for item in profile.left_out:
        console.print(Padding(escape(item), (0, 0, 0, 2)))


def _rows() -> Table:
    """A table of rows set in, without a header."""
    return Table(box=None, show_header=False, padding=(0, 0, 0, 2))


def _compare(chosen: list[Profile]) -> None:
    for profile in chosen:
        console.print(f"[bold]{escape(profile.name)}[/bold]  {escape(profile.title)}")
        table = _rows()
        for label, text, rules in _story(profile):
            table.add_row(label, text, f"[dim]{rules}[/dim]")
        table.add_row(
            "[dim]left out[/dim]", f"[dim]{escape('; '.join(profile.left_out))}[/dim]", ""
        )
        screen.print_table(console, table)
        console.print()
    console.print("One of them value by value: budgetmeter profiles NAME")


def _story(profile: Profile) -> Iterator[tuple[str, str, str]]:
    """What a profile does in a few lines: label, text, rule ids."""
    v = profile.values

    def shown(key: str) -> str:
        return profiles.shown(key, v[key])

    def rules(*keys: str) -> str:
        ids = dict.fromkeys(i for key in keys for i in profile.rules[key])
        return ", ".join(i for i in ids if i != catalogue.NO_SOURCE) or catalogue.NO_SOURCE

    yield "mode", f"{shown('payment_mode')}, {shown('energy')}", rules("payment_mode")
    if profile.prepayment:
        size = shown("emergency_wh") if v["emergency_wh"] else shown("emergency_preset")
        how = "by itself" if v["emergency_auto"] else "by the button"
        yield (
            "emergency credit",
            f"{size}, {how}",
            rules("emergency_wh" if v["emergency_wh"] else "emergency_preset", "emergency_auto"),
        )
        share = f"repays with {shown('topup_share_pct')}"
        if v["topup_knee"]:
            share += f" up to {shown('topup_knee')} and all above"
        yield "top-up", share, rules("topup_share_pct", "topup_knee")
        hours = "none"
        if v["window_from"] != v["window_to"]:
            hours = f"{shown('window_from')} to {shown('window_to')} and {shown('window_days')}"
        yield "friendly hours", hours, rules("window_from", "window_days")
    if v["limiter_fitted"]:
        limit = shown("limit_ma") if v["limit_ma"] else shown("limit_w")
        start = "always"
        if profile.prepayment:
            start = "by itself" if v["limiter_auto"] else "by the button"
            if not v["limiter_available"]:
                start += ", for protected customers"
        key = "limit_ma" if v["limit_ma"] else "limit_w"
        yield "limiter", f"{limit}, {start}", rules(key, "limiter_auto", "limiter_available")
        if profile.prepayment:
            yield "minimum supply", f"repaid: {shown('limiter_repay')}", rules("limiter_repay")
    else:
        yield "limiter", "none", rules("limiter_fitted")
    if v["winter_from"]:
        text = f"{shown('winter_from')} to {shown('winter_to')}, refuses {shown('winter_bars')}"
        yield "winter", text, rules("winter_from", "winter_bars")
