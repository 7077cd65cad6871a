from __future__ import annotations

import pytest


@pytest.fixture
def filled(shell, write_lines):
    talk = [
        {
            "role": "user",
            "name": "Alice",
            "content": "I love hiking in the Alps",
            "occurred_at": "2026-05-01T10:00:00Z",
        },
        {"role": "assistant", "content": "Bring\ngood boots", "occurred_at": "2026-05-02T10:00:00Z"},
        {"role": "user", "name": "Alice", "content": "The dentist is on Friday", "occurred_at": "2026-05-03T10:00:00Z"},
    ]
    assert shell("import", write_lines({"user": "alice", "session_id": "s", "messages": talk})).exit_code == 0
    return shell


def test_the_best_comes_first_with_score_day_and_speaker(filled):
    lines = filled("search", "--user", "alice", "who goes hiking in the Alps?").stdout.splitlines()
    score, day, rest = lines[0].split("  ", 2)
    assert 0 < float(score) <= 1
    assert (day, rest) == ("2026-05-01", "Alice: I love hiking in the Alps")


def test_lines_of_a_text_are_indented(filled):
    assert "assistant: Bring\n       good boots" in filled("search", "--user", "alice", "good boots").stdout


def test_no_more_than_the_limit_is_shown(filled):
    assert len(filled("search", "--user", "alice", "--limit", "1", "hiking dentist").stdout.splitlines()) == 1


def test_signals_and_the_gate_are_explained(filled):
    output = filled("search", "--user", "alice", "--explain", "hiking in the Alps").stdout
    assert "lexical=" in output
    assert output.splitlines()[-1].startswith("gate: would inject: ")


def test_json_is_the_api_s_form(filled):
    found = filled.json("search", "--user", "alice", "--explain", "hiking")
    assert found["object"] == "list"
    best = found["data"][0]
    assert (best["object"], best["kind"], best["text"]) == ("memory", "passage", "I love hiking in the Alps")
    assert best["explain"]["signals"]["lexical"] > 0
    assert isinstance(found["gate"]["is_open"], bool)


def test_an_unknown_user_is_one_line(filled):
    result = filled("search", "--user", "nobody", "hiking")
    assert result.exit_code == 1
    assert (
        result.stderr == "Error: There is no user 'nobody' in the project default. `recollect users list` shows all.\n"
    )


def test_the_user_must_be_named(filled):
    result = filled("search", "hiking")
    assert result.exit_code == 2
    assert "Missing option '--user'" in result.stderr


def test_what_was_known_at_a_time(filled):
    assert filled("search", "--user", "alice", "--as-of", "2020-01-01", "hiking").stdout == "Nothing found.\n"
    assert "hiking" in filled("search", "--user", "alice", "--as-of", "2100-01-01", "hiking").stdout
