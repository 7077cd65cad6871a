"""Questions that have nothing to do with anybody's past: what recall must stay silent on."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def unrelated_probes() -> tuple[str, ...]:
    """World knowledge, coding, writing, arithmetic and small talk, in several languages."""
    lines = files(__package__).joinpath("unrelated_probes.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if line.strip())
