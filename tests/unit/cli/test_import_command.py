from __future__ import annotations

import json

import pytest


def said(text: str, minute: int | None = None, role: str = "user", **more: object) -> dict:
    when = {} if minute is None else {"occurred_at": f"2026-05-01T10:{minute:02}:00Z"}
    return {"role": role, "content": text, **when, **more}


TALK = {"user": "alice", "session_id": "s1", "messages": [said("Hi, I am Alice", 0), said("Hello!", 1, "assistant")]}


def texts(lines: list[dict]) -> list[list[str]]:
    return [[message["content"] for message in line["messages"]] for line in lines]


def test_a_conversation_is_stored(shell, write_lines):
    result = shell("import", write_lines(TALK))
    assert result.exit_code == 0
    assert result.stdout == "2 messages of 1 user stored, 0 were there already.\n"
    assert shell.export() == [{"user": "alice", "session_id": "s1", "messages": TALK["messages"]}]


def test_importing_again_adds_nothing(shell, write_lines):
    file = write_lines(
        TALK,
        {"user": "bob", **said("one", 2)},
        {"user": "carol", "messages": [said("no session, no time"), said("ok", role="assistant"), said("ok")]},
        {"user": "bob", **said("two", 3)},
        {"user": "dora", "session_id": "x", **said("alone and timeless")},
    )
    first = shell("import", file)
    assert first.stdout == "8 messages of 4 users stored, 0 were there already.\n"
    before = shell.export()
    assert shell("import", file).stdout == "0 messages of 4 users stored, 8 were there already.\n"
    assert shell.export() == before


def test_a_file_that_has_grown_adds_what_is_new(shell, write_lines):
    shell("import", write_lines(TALK))
    grown = {**TALK, "messages": [*TALK["messages"], said("I moved to Lisbon", 5)]}
    assert shell("import", write_lines(grown)).stdout == "1 messages of 1 user stored, 2 were there already.\n"
    assert texts(shell.export()) == [["Hi, I am Alice", "Hello!", "I moved to Lisbon"]]


def test_lines_that_are_messages_become_sessions(shell, write_lines):
    shell(
        "import",
        write_lines(
            {"user": "bob", "session_id": "morning", **said("one", 0)},
            {"user": "alice", "session_id": "morning", **said("mine", 0)},
            {"user": "bob", "session_id": "morning", **said("two", 1, "assistant")},
            {"user": "bob", "session_id": "evening", **said("three", 40)},
        ),
    )
    by_session = {(line["user"], line["session_id"]): texts([line])[0] for line in shell.export()}
    assert by_session == {
        ("bob", "morning"): ["one", "two"],
        ("alice", "morning"): ["mine"],
        ("bob", "evening"): ["three"],
    }


def test_a_pause_begins_a_session_where_none_is_named(shell, write_lines):
    shell("import", write_lines(*[{"user": "bob", **said(str(minute), minute)} for minute in (0, 5, 14, 30, 31)]))
    assert texts(shell.export()) == [["0", "5", "14"], ["30", "31"]]


def test_lines_without_time_go_on_with_their_users_session(shell, write_lines):
    shell("import", write_lines(*[{"user": user, **said(f"{user}{turn}")} for turn in range(3) for user in ("a", "b")]))
    assert texts(shell.export()) == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]


def test_a_long_file_of_messages_keeps_its_order(shell, write_lines):
    shell("import", write_lines(*[{"user": "bob", "session_id": "s", **said(f"line {n}")} for n in range(1203)]))
    lines = shell.export()
    assert [text for line in texts(lines) for text in line] == [f"line {n}" for n in range(1203)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nonsense", "The line is not valid JSON"),
        ('["a list"]', "The line must be a JSON object."),
        ({"role": "user", "content": "who?"}, "`user` is required: in the line, or as --user."),
        ({"user": 5, **said("x")}, "`user` must be text."),
        ({"user": "bob", "role": "king", "content": "x"}, "`role` must be one of"),
        ({"user": "bob", "role": "user"}, "`content` is required."),
        ({"user": "bob", **said("x"), "occurred_at": "yesterday"}, "occurred_at must be an RFC 3339 time"),
        ({"user": "bob", "messages": []}, "`messages` must be a list of at least one message."),
        ({"user": "bob", "messages": [said("a"), {"role": "user"}]}, "`messages[1].content` is required."),
        ({"user": "bob", "messages": [said("a"), 7]}, "`messages[1]` must be an object."),
        ({"user": "bob", "messages": [{**said("a"), "metadata": 3}]}, "`messages[0].metadata` must be"),
        ({"user": "bob", "metadata": 3, "messages": [said("a")]}, "`metadata` must be an object."),
    ],
)
def test_a_bad_line_is_reported_and_the_good_ones_are_imported(shell, write_lines, line, problem):
    file = write_lines(TALK, "", line, {"user": "zoe", **said("good", 9)})
    result = shell("import", file)
    assert result.exit_code == 1
    assert result.stdout == "3 messages of 2 users stored, 0 were there already.\n"
    first, last = result.stderr.splitlines()
    assert first.startswith(f"{file}, line 3: ")
    assert problem in first
    assert last == "1 lines could not be imported."


def test_very_many_bad_lines_are_counted(shell, write_lines):
    result = shell("import", write_lines(*["nonsense"] * 200))
    assert len(result.stderr.splitlines()) == 51
    assert result.stderr.splitlines()[-1] == "200 lines could not be imported."


def test_bytes_that_are_no_text_are_a_bad_line(shell):
    result = shell("import", "-", typed=b'{"user": "\xff"}\n' + json.dumps(TALK).encode())
    assert result.exit_code == 1
    assert "UTF-8" in result.stderr
    assert result.stdout.startswith("2 messages")


def test_the_user_of_lines_without_one_can_be_given(shell, write_lines):
    shell("import", write_lines(said("whose?", 0), TALK), "--user", "bob")
    assert [user["user"] for user in shell.json("users", "list")] == ["alice", "bob"]


def test_instructions_and_private_messages_are_left_out(shell, write_lines):
    talk = {
        "user": "alice",
        "messages": [said("Be brief.", role="system"), said("psst", memory=False), said("Kept", 1)],
    }
    shell("import", write_lines(talk))
    assert texts(shell.export()) == [["Kept"]]


def test_metadata_of_the_line_is_added_to_every_message(shell, write_lines):
    talk = {
        "user": "a",
        "session_id": "s",
        "metadata": {"source": "crm"},
        "messages": [said("x", 0, metadata={"n": 1})],
    }
    shell("import", write_lines(talk))
    assert shell.export()[0]["messages"][0]["metadata"] == {"source": "crm", "n": 1}


def test_waiting_leaves_nothing_to_index(shell, write_lines):
    assert shell("import", write_lines(TALK), "--wait").exit_code == 0
    work = next(finding for finding in shell.json("doctor") if finding["name"] == "background work")
    assert work["detail"].startswith("0 jobs wait")


def test_without_waiting_the_work_is_queued(shell, write_lines):
    shell("import", write_lines(TALK))
    work = next(finding for finding in shell.json("doctor") if finding["name"] == "background work")
    assert work["detail"].startswith("1 jobs wait")
