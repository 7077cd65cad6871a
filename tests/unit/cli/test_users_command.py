from __future__ import annotations

import json

import pytest


@pytest.fixture
def filled(shell, write_lines):
    said = {"role": "user", "content": "My name is Alice and I love zeppelins", "occurred_at": "2026-05-01T10:00:00Z"}
    file = write_lines(
        {"user": "alice", "session_id": "s1", "messages": [said]},
        {"user": "bob", "session_id": "s1", "messages": [{"role": "user", "content": "hello"}]},
    )
    assert shell("import", file).exit_code == 0
    return shell


def test_users_are_listed_with_their_size(filled):
    lines = filled("users", "list").stdout.splitlines()
    assert lines[0].split() == ["user", "messages", "sessions", "last", "active"]
    assert [line.split()[:3] for line in lines[1:]] == [["alice", "1", "1"], ["bob", "1", "1"]]


def test_columns_are_aligned(filled):
    lines = filled("users", "list").stdout.splitlines()
    assert len({line.index(word) for line, word in zip(lines, ["messages", "1 ", "1 "], strict=True)}) == 1


def test_a_user_is_shown_with_sessions(filled):
    shown = filled.json("users", "show", "alice")
    assert shown["messages"] == 1
    assert [session["session_id"] for session in shown["newest sessions"]] == ["s1"]
    assert "s1" in filled("users", "show", "alice").stdout


def test_deleting_asks_first(filled):
    refused = filled("users", "delete", "alice", typed="n\n")
    assert refused.exit_code == 1
    assert [user["user"] for user in filled.json("users", "list")] == ["alice", "bob"]
    agreed = filled("users", "delete", "alice", typed="y\n")
    assert agreed.exit_code == 0
    assert [user["user"] for user in filled.json("users", "list")] == ["bob"]


def test_deleting_prints_a_receipt_and_leaves_no_byte(filled, tmp_path):
    done = filled("users", "delete", "alice", "--yes")
    receipt = json.loads(done.stdout)
    assert (receipt["user"], receipt["messages"], receipt["sessions"]) == ("alice", 1, 1)
    assert len(receipt["digest"]) == 64
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert b"zeppelin" not in path.read_bytes()


@pytest.mark.parametrize("arguments", [["users", "show"], ["users", "delete", "--yes"]])
def test_an_unknown_user_is_one_line(filled, arguments):
    result = filled(*arguments, "carol")
    assert result.exit_code == 1
    assert (
        result.stderr == "Error: There is no user 'carol' in the project default. `recollect users list` shows all.\n"
    )


def test_projects_do_not_see_each_other(filled):
    assert "no users" in filled("users", "list", "--project", "other").stdout
    assert filled("users", "show", "alice", "--project", "other").exit_code == 1
