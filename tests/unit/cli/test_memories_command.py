from __future__ import annotations

import pytest

PORTO = {
    "role": "user",
    "content": "I live in Porto. My sister Berta lives in Bonn.",
    "occurred_at": "2026-03-01T10:00:00Z",
}
LISBON = {"role": "user", "content": "I moved from Porto to Lisbon in April.", "occurred_at": "2026-05-02T10:00:00Z"}


@pytest.fixture
def filled(shell, write_lines):
    lines = write_lines(
        {"user": "alice", "session_id": "s1", "messages": [PORTO]},
        {"user": "alice", "session_id": "s2", "messages": [LISBON]},
    )
    assert shell("import", lines).exit_code == 0
    done = shell("reprocess", "--user", "alice", "--wait")
    assert (done.exit_code, done.stdout) == (0, "2 sessions read anew.\n")
    return shell


def homes(shell, *options):
    found = shell.json("memories", "list", "--user", "alice", "--attribute", "home", "--subject", "user", *options)
    return [one["value"] for one in found]


def home(shell):
    (one,) = shell.json("memories", "list", "--user", "alice", "--attribute", "home", "--subject", "user")
    return one["id"]


def test_what_is_known_now_and_then(filled):
    assert homes(filled) == ["Lisbon"]
    assert homes(filled, "--as-of", "2026-03-15") == ["Porto"]
    assert homes(filled, "--status", "past") == ["Porto"]
    assert homes(filled, "--entity", "Bonn") == []
    output = filled("memories", "list", "--user", "alice").stdout
    assert "home: Lisbon" in output
    assert output.startswith("memory ")


def test_a_memory_is_added_pinned_and_deleted(filled):
    (added,) = filled.json("memories", "add", "peanuts", "--user", "alice", "--attribute", "allergy", "--pin")
    assert (added["text"], added["is_pinned"]) == ("allergy: peanuts", True)
    (listed,) = filled.json("memories", "list", "--user", "alice", "--pinned")
    assert listed["id"] == added["id"]
    gone = filled("memories", "delete", added["id"], "--user", "alice")
    assert gone.stdout == f"Deleted {added['id']}, and 1 messages.\n"
    assert filled.json("memories", "list", "--user", "alice", "--attribute", "allergy") == []


def test_a_memory_of_somebody_new(shell):
    (added,) = shell.json("memories", "add", "prefers short answers", "--user", "zoe", "--category", "style")
    assert (added["attribute"], added["category"]) == ("note", "style")


def test_an_edit_is_a_version_and_outlives_reading_anew(filled):
    memory = home(filled)
    (edited,) = filled.json("memories", "edit", memory, "Sintra", "--user", "alice", "--since", "2026-04-02")
    assert (edited["value"], edited["valid_from"]) == ("Sintra", "2026-04-02T00:00:00Z")
    assert filled("reprocess", "--extractor", "rules", "--wait").exit_code == 0
    assert homes(filled) == ["Sintra"]
    history = filled.json("memories", "history", memory, "--user", "alice")
    assert [one["value"] for one in history][-2:] == ["Lisbon", "Sintra"]
    (over,) = filled.json("memories", "edit", memory, "--user", "alice", "--expires", "2020-01-01")
    assert over["status"] == "expired"
    (back,) = filled.json("memories", "edit", memory, "--user", "alice", "--expires", "never", "--pin")
    assert (back["status"], back["is_pinned"]) == ("current", True)


def test_feedback(filled):
    (judged,) = filled.json("memories", "feedback", home(filled), "wrong", "--user", "alice")
    assert judged["status"] == "disowned"
    assert homes(filled) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("memories", "history", "mem_0", "--user", "alice"), 1, "There is no memory 'mem_0'"),
        (("memories", "list", "--user", "nobody"), 1, "There is no user 'nobody'"),
        (("memories", "list", "--user", "alice", "--as-of", "soon"), 1, "--as-of must be an RFC 3339 time"),
        (("memories", "feedback", "mem_0", "meh", "--user", "alice"), 2, "'meh' is not one of"),
        (("graph", "--user", "alice", "--entity", "Nobody"), 1, "There is no such entity"),
        (("graph", "--user", "alice", "--to", "Berta"), 2, "--to needs --entity"),
        (("conflicts", "resolve", "cfl_0", "both", "--user", "alice"), 1, "There is no conflict 'cfl_0'"),
        (("reprocess", "--session", "s1"), 2, "--session needs --user"),
        (("reprocess", "--user", "alice", "--session", "none"), 1, "no session 'none'"),
        (("reprocess", "--extractor", "nobody"), 2, "--extractor must be one of rules"),
    ],
)
def test_what_is_not_there_is_one_line(filled, arguments, code, words):
    result = filled(*arguments)
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr


def test_the_graph(filled):
    shown = filled("graph", "--user", "alice", "--entity", "Bonn").stdout
    assert "Bonn" in shown
    found = filled.json("graph", "--user", "alice", "--entity", "berta")
    assert found["entity"] == "Berta"
    assert "Berta" in filled("graph", "--user", "alice").stdout


def test_conflicts(make_shell, write_lines):
    shell = make_shell("asking")
    shell.config.write_text(shell.config.read_text() + '[knowledge]\nconflicts = "ask"\n')
    names = [{"role": "user", "content": f"My name is {name}."} for name in ("Anna", "Hanna")]
    assert shell("import", write_lines({"user": "alice", "session_id": "s1", "messages": names})).exit_code == 0
    shell("reprocess", "--wait")
    (conflict,) = shell.json("conflicts", "list", "--user", "alice")
    assert [one["value"] for one in conflict["choices"]] == ["Anna", "Hanna"]
    assert "Hanna" in shell("conflicts", "list", "--user", "alice").stdout
    right = conflict["choices"][1]["memory_id"]
    assert shell("conflicts", "resolve", conflict["id"], right, "--user", "alice").exit_code == 0
    assert shell("conflicts", "list", "--user", "alice").stdout == "Nothing contradicts itself.\n"
