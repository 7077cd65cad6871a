from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recollect.bootstrap import open_services
from recollect.domain.capture import After, AtHead, Capture
from recollect.domain.ids import ProjectId, SessionName
from recollect.domain.messages import NewMessage
from recollect.settings import load_settings

NOON = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def message(text: str, role: str = "user", **more: object) -> NewMessage:
    return NewMessage(role=role, text=text, occurred_at=NOON, **more)


CHAT = (
    message(
        "What is in this picture?\n[image]",
        content='[{"type":"text","text":"What is in this picture?"},{"type":'
        '"image_url","image_url":{"url":"https://example.org/a.png"}}]',
    ),
    message(
        "",
        "assistant",
        content='{"content":"","tool_calls":[{"id":"c1","type":"function","function":'
        '{"name":"look","arguments":"{\\"at\\":\\"a.png\\"}"}}]}',
    ),
    message("A cat", "tool", content='{"content":"A cat","tool_call_id":"c1"}'),
    message("ok", "assistant"),
    message("ok"),
    message("ok", "assistant", is_partial=True),
    message("What I said aloud", "assistant", content='{"audio":{"id":"aud_1"}}'),
    message("Grüße aus Zürich 🏔 — <memory> is a word", name="Zoë", agent_id="guide"),
    message("said at noon", distinguisher=NOON.isoformat()),
    message("with an id", external_id="m-1", distinguisher="m-1", metadata='{"channel":"mail","n":2}'),
)


def capture(shell, *captures: Capture) -> None:
    async def work() -> None:
        async with open_services(load_settings(config=shell.config, environ={})) as gateway:
            for one in captures:
                await gateway.store.messages.capture(one)

    asyncio.run(work())


def captured(*messages: NewMessage, anchor=None, session: str = "chat") -> Capture:
    return Capture(ProjectId("default"), "alice", SessionName(session), anchor or AtHead(), messages, NOON)


def test_a_chat_comes_back_as_it_was(make_shell):
    shell, other = make_shell("one"), make_shell("two")
    capture(shell, captured(*CHAT))
    exported = shell("export").stdout
    assert other("import", "-", typed=exported).stdout == "10 messages of 1 user stored, 0 were there already.\n"
    assert other("export").stdout == exported


def test_an_export_adds_nothing_where_it_came_from(shell):
    capture(shell, captured(*CHAT))
    exported = shell("export").stdout
    assert shell("import", "-", typed=exported).stdout == "0 messages of 1 user stored, 10 were there already.\n"
    assert shell("export").stdout == exported


@pytest.mark.parametrize("one", CHAT, ids=range(len(CHAT)))
def test_each_kind_of_message_keeps_its_identity(make_shell, one):
    shell, other = make_shell("one"), make_shell("two")
    capture(shell, captured(one))
    other("import", "-", typed=shell("export").stdout)
    capture(other, captured(one, anchor=After(None)))
    assert len(other.export()[0]["messages"]) == 1
    assert other.json("users", "show", "alice")["messages"] == 1


def test_an_abandoned_branch_is_exported_on_request_and_never_imported(make_shell):
    shell, other = make_shell("one"), make_shell("two")
    capture(shell, captured(message("first try")), captured(message("second try"), anchor=After(None)))
    assert [line["messages"][0]["content"] for line in shell.export()] == ["second try"]
    everything = shell("export", "--all").stdout
    lines = [json.loads(line) for line in everything.splitlines()]
    assert [(line.get("is_abandoned", False), line["messages"][0]["content"]) for line in lines] == [
        (False, "second try"),
        (True, "first try"),
    ]
    assert other("import", "-", typed=everything).stdout.startswith("1 messages of 1 user stored")


def test_one_user_can_be_exported_to_a_file(shell, write_lines, tmp_path: Path):
    shell("import", write_lines(*[{"user": user, "role": "user", "content": "hello"} for user in ("alice", "bob")]))
    result = shell("export", "--user", "bob", "-o", str(tmp_path / "out.jsonl"))
    assert result.stdout == ""
    assert result.stderr == "1 messages exported.\n"
    assert [json.loads(line)["user"] for line in (tmp_path / "out.jsonl").read_text().splitlines()] == ["bob"]


def test_an_unknown_user_writes_no_file(shell, tmp_path: Path):
    result = shell("export", "--user", "nobody", "-o", str(tmp_path / "out.jsonl"))
    assert result.exit_code == 1
    assert not (tmp_path / "out.jsonl").exists()


def test_sessions_keep_their_agent(make_shell, write_lines):
    shell, other = make_shell("one"), make_shell("two")
    line = {"user": "a", "session_id": "s", "agent_id": "guide", "messages": [{"role": "user", "content": "hello"}]}
    shell("import", write_lines(line))
    assert shell.export()[0]["agent_id"] == "guide"
    other("import", "-", typed=shell("export").stdout)
    assert other("export").stdout == shell("export").stdout
