"""What the bridge marks for Anthropic's cache."""

from __future__ import annotations

import pytest

from recollect.providers.anthropic.request import to_messages

MARK = {"type": "ephemeral"}
SYSTEM = {"role": "system", "content": "be kind"}
HI = {"role": "user", "content": "hi"}
HELLO = {"role": "assistant", "content": "hello"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def marked(*messages, **fields):
    """The places of the marks."""
    made = to_messages({"model": "claude-opus-4-6", "messages": list(messages), **fields})
    places = [f"tool {n}" for n, tool in enumerate(made.get("tools", ())) if "cache_control" in tool]
    places += [f"system {n}" for n, block in enumerate(made.get("system", ())) if "cache_control" in block]
    return places + [
        f"turn {t} {n}"
        for t, turn in enumerate(made["messages"])
        for n, block in enumerate(turn["content"])
        if "cache_control" in block
    ]


@pytest.mark.parametrize(
    ("messages", "fields", "places"),
    [
        ([HI], {}, []),
        ([SYSTEM, HI], {}, ["system 0"]),
        ([SYSTEM, HI], {"tools": [TOOL]}, ["system 0"]),
        ([HI], {"tools": [TOOL, TOOL]}, ["tool 1"]),
        ([SYSTEM, HI, HELLO, HI], {}, ["system 0", "turn 2 0"]),
        ([HI, HELLO, HI, HI], {}, ["turn 2 1"]),
        ([HI, HELLO], {}, []),
        ([HI, HELLO, HI, HELLO], {}, ["turn 2 0"]),
    ],
)
def test_what_comes_again_is_marked(messages, fields, places):
    assert marked(*messages, **fields) == places


@pytest.mark.parametrize(
    "own",
    [
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": MARK}]},
        {"role": "user", "content": "a", "cache_control": MARK},
    ],
)
def test_a_client_that_marks_is_left_alone(own):
    assert marked(SYSTEM, own, HELLO, HI) == ["turn 0 0"]
    assert marked(SYSTEM, HI, tools=[{**TOOL, "cache_control": MARK}]) == ["tool 0"]


def test_a_mark_beside_the_messages_is_the_clients_word():
    made = to_messages({"model": "m", "messages": [SYSTEM, HI], "cache_control": MARK})
    assert made["cache_control"] == MARK
    assert marked(SYSTEM, HI, cache_control=MARK) == []
    assert marked(SYSTEM, HI, HELLO, HI, cache_control=None) == []
    assert "cache_control" not in to_messages({"model": "m", "messages": [HI], "cache_control": None})


def test_a_conversation_keeps_its_beginning():
    """Marks aside, which are no part of what is cached, each request begins with the one before."""
    said = [SYSTEM, HI]
    before = None
    for turn in range(5):
        made = to_messages({"model": "m", "messages": list(said)})
        contents = [[block["text"] for block in one["content"]] for one in made["messages"]]
        assert before is None or contents[: len(before)] == before
        before = contents
        said += [{"role": "assistant", "content": f"a{turn}"}, {"role": "user", "content": f"q{turn}"}]
