"""Small fleets for tests."""

from budgetmeter.fleet import engine, study

# People so short of money and so slow that in a few weeks everything happens.
POOR = (
    "cover_pct=20,60,90", "errand_h=1,6,60", "limited_h=12,60,200", "protected_pct=60",
    "bill_days=9",
)  # fmt: skip


def small(tmp_path, policy="", meters=40, days=30, step=15, changes=POOR, name="small"):
    """A study of a few meters; `policy` is TOML."""
    path = tmp_path / f"{name}.toml"
    path.write_text(f"[policy]\n{policy}\n", encoding="utf-8")
    sizes = (f"meters={meters}", f"days={days}", f"step_min={step}")
    return study.load(str(path), [*sizes, *changes])


def simulated(chosen, count, log=4000):
    """A study's first meters, compiled, with their events; and the study ready to run."""
    ready = engine.world(chosen)
    return engine.simulate(ready, 0, count, log), ready


def events(chunk, meter):
    """Events of a meter of a chunk: clock, second, code, reasons, balance."""
    count = int(chunk.outcomes[meter]["events"])
    assert count <= chunk.log.shape[1]
    return [tuple(row) for row in chunk.log[meter][:count].tolist()]
