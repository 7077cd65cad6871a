"""The tree tells the story: one file for each stage of an exchange, called in the order of the design."""

from __future__ import annotations

import dataclasses

from recollect.exchange.pipeline import STAGES, Stages
from tests.architecture.tree import SOURCE

BESIDES_STAGES = {
    "__init__",
    "awaited",  # replies that another request fetches, for capture
    "exchange",  # the state of one exchange
    "head",  # a request's headers, and what was read of them
    "pipeline",  # calls the stages
    "ports",  # what the edge must provide
    "relay",  # carries the reply's bytes between forward and capture
    "tap",  # listens to them
    "progress",  # begins a stream while recall still browses
    "ledger",  # what memory did to that
    "account",  # counts what an exchange takes, around forward
    "reading",  # what a request asks of memory
    "record",  # tells what became of it
    "credentials",  # projects' provider keys, which forward uses
    "keeping",  # what was said in it, for who asks to keep it
    "replay",  # sends it once more, with other memory
    "memory_calls",  # the memory surface, built from the same stages
}


def test_each_stage_has_its_file_and_each_file_its_stage() -> None:
    files = {path.stem for path in (SOURCE / "exchange").glob("*.py")}
    assert files == set(STAGES) | BESIDES_STAGES


def test_the_stages_stand_in_the_order_of_the_design() -> None:
    assert STAGES == ("authenticate", "resolve", "recall", "inject", "forward", "capture", "remember")
    assert tuple(field.name for field in dataclasses.fields(Stages)) == STAGES
