"""`recollect eval self`: a vault that is asked about itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.recall.rooms import FILLER


@pytest.fixture
def filled(shell, write_lines):
    records = [
        {
            "user": user,
            "session_id": "s",
            "messages": [{"role": "user", "name": "Alice", "content": text} for text in said],
        }
        for user, said in (("alice", FILLER), ("bob", FILLER[:40]))
    ]
    assert shell("import", write_lines(*records)).exit_code == 0
    return shell


def test_a_table_says_what_is_found_and_what_is_injected_for_nothing(filled):
    output = filled("eval", "self", "--probes", "12").stdout
    assert output.startswith("users: alice, bob; embedder: none")
    rows = {line.split()[0]: line.split() for line in output.splitlines() if line}
    assert int(rows["all"][1]) == 24
    assert int(rows["all"][6]) >= 80, "in 10, per cent"
    assert set(rows) > {"words", "name", "date", "found,", "unrelated", "recall,"}


def test_json_has_the_same_figures(filled):
    found = filled.json("eval", "self", "--user", "alice", "--probes", "12")
    assert (found["users"], found["probes"], sum(found["kinds"].values())) == (["alice"], 12, 12)
    assert found["found_at"]["1"] <= found["found_at"]["10"]
    assert found["unrelated"] >= 50
    assert found["false_injections"] <= 0.1


def test_a_picture_is_drawn(filled, tmp_path: Path):
    picture = tmp_path / "recall.svg"
    assert filled("eval", "self", "--user", "bob", "--probes", "5", "--picture", str(picture)).exit_code == 0
    drawn = picture.read_text()
    assert "<svg" in drawn
    assert drawn.count("<path") > 20


def test_nothing_can_be_calibrated_without_an_embedder(filled):
    result = filled("eval", "self", "--user", "bob", "--probes", "5", "--calibrate")
    assert result.exit_code == 1
    assert "nothing to calibrate" in result.stderr


def test_nobody_is_one_line(shell):
    result = shell("eval", "self")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There is nobody in the project default yet")
    assert result.stdout == ""
