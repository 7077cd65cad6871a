"""Requests of ``/messages``: what memory reads in them, and what it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from recollect.domain.controls import Controls
from recollect.domain.messages import fingerprint
from recollect.errors import InvalidRequestError
from recollect.wire.json_document import JsonDocument
from recollect.wire.messages import MESSAGES, with_metadata
from recollect.wire.prompt import PromptEdit

if TYPE_CHECKING:
    from recollect.wire.prompt import Prompt

BLOCK = "<memory-0123456789ab>\n[2023-05-08 Mon]\nAlice: I love hiking\n</memory-0123456789ab>"
MARK = {"type": "ephemeral"}
REMINDER = "<system-reminder>\nBe careful.\n</system-reminder>"
CLAUDE_CODE = {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude."}


def read(*messages: object, **others: object) -> Prompt:
    return MESSAGES.read(JsonDocument.parse(json.dumps({"messages": messages, **others}).encode()))


def edit(body: bytes, **changes: Any) -> bytes:
    return MESSAGES.edit(JsonDocument.parse(body), PromptEdit(**changes))


def user(*blocks: object) -> dict[str, object]:
    return {"role": "user", "content": list(blocks)}


def text(words: str, **others: object) -> dict[str, object]:
    return {"type": "text", "text": words, **others}


def result(call: str, content: object) -> dict[str, object]:
    return {"type": "tool_result", "tool_use_id": call, "content": content}


def test_messages_and_tool_results_are_utterances() -> None:
    prompt = read(
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                text("Let me "),
                text("look."),
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"b": 1, "a": 2}},
                {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
            ],
        },
        user(result("t1", "42"), result("t2", [text("43"), {"type": "image", "source": {}}]), text("and now?")),
        system=[text("be kind"), text("be brief", cache_control=MARK)],
        model="claude-opus-4-6",
        stream=True,
    )
    assert [(u.role, u.text) for u in prompt.utterances] == [
        ("system", "be kind\nbe brief"),
        ("user", "hi"),
        ("assistant", "Let me look."),
        ("tool", "42"),
        ("tool", "43\n[image]"),
        ("user", "and now?"),
    ]
    calls = json.loads(prompt.utterances[2].content or "")["tool_calls"]
    assert [(call["id"], call["function"]["arguments"]) for call in calls] == [("t1", '{"b":1,"a":2}'), ("t2", "{}")]
    assert json.loads(prompt.utterances[3].content or "") == {"content": "42", "tool_call_id": "t1"}
    assert (prompt.dialect, prompt.model, prompt.is_streamed) == ("messages", "claude-opus-4-6", True)
    assert (prompt.target, prompt.ends_with_user) == (5, True)


def test_inside_a_tool_loop_nothing_new_is_asked() -> None:
    called = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]}
    prompt = read({"role": "user", "content": "go"}, called, user(result("t1", "42"), text(REMINDER)))
    assert [u.role for u in prompt.utterances] == ["user", "assistant", "tool"]
    assert (prompt.target, prompt.ends_with_user) == (0, False)


def test_the_shape_of_the_content_makes_no_difference_to_what_is_stored() -> None:
    (plain,) = read({"role": "user", "content": "What now?"}).utterances
    (marked,) = read(user(text(REMINDER), text("What now?", cache_control=MARK))).utterances
    assert (plain.text, plain.content, plain.fingerprint) == (marked.text, marked.content, marked.fingerprint)
    assert plain.fingerprint == fingerprint("user", "What now?")


def test_what_a_harness_wrote_is_not_the_users() -> None:
    prompt = read(user(text(REMINDER)), {"role": "user", "content": "[Request interrupted by user]"})
    assert [(u.text, u.is_storable, u.can_hold_block) for u in prompt.utterances] == [("", False, False)] * 2
    assert prompt.target is None
    compacted = "This session is being continued from a previous conversation that ran out of context. Summary: x"
    prompt = read(user(text(compacted), text("go on")))
    assert [u.text for u in prompt.utterances] == ["go on"]
    (_, tool) = read({"role": "user", "content": "read it"}, user(result("t", f"line 1\n\n{REMINDER}"))).utterances
    assert tool.text == "line 1"


def test_images_and_documents_are_kept_without_their_marks() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    image = {"type": "image", "source": source}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    prompt = read(user(document | {"cache_control": MARK}, image, text(REMINDER), text("what is this?")))
    (found,) = prompt.utterances
    assert found.text == "[file]\n[image]\nwhat is this?"
    assert json.loads(found.content or "") == [document, image, text("what is this?")]
    (alone,) = read(user(image)).utterances
    assert (alone.text, alone.is_storable, alone.can_hold_block) == ("[image]", True, False)
    assert read(user(image)).target is None


def test_a_prefill_is_the_beginning_of_the_reply() -> None:
    prompt = read({"role": "user", "content": "JSON, please"}, {"role": "assistant", "content": "{"})
    assert (prompt.target, prompt.ends_with_user) == (0, True)
    assert not prompt.utterances[1].is_storable
    paused = [text("a"), {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]
    prompt = read({"role": "user", "content": "go"}, {"role": "assistant", "content": paused})
    assert not prompt.ends_with_user
    assert prompt.utterances[1].is_storable


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "assistant", "content": [5]}]}, "messages[0].content[0]"),
        ({"system": 5, "messages": []}, "system"),
    ],
)
def test_what_is_malformed_is_refused_by_name(body: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        MESSAGES.read(JsonDocument.parse(json.dumps(body).encode()))
    assert raised.value.param == param


def test_a_block_goes_before_a_string_as_a_block_of_its_own() -> None:
    body = b'{"max_tokens": 5, "messages": [ {"role":"user", "content" : "hi \\u00e9"} ]}'
    sent = edit(body, blocks={0: BLOCK})
    inserted = b'[{"type":"text","text":%s},{"type":"text","text":' % json.dumps(BLOCK).encode()
    assert sent == body.replace(b'"hi \\u00e9"', inserted + b'"hi \\u00e9"}]')


@pytest.mark.parametrize("mark", [{}, {"cache_control": MARK}])
def test_a_block_goes_before_the_last_words_wherever_the_marks_are(mark: dict[str, object]) -> None:
    before = [
        result("t", "42"),
        {"type": "document", "source": {}, **mark},
        text("Here is my report.", **mark),
        {"type": "image", "source": {}},
    ]
    after = [text("Is it good?", **mark), text(REMINDER)]
    body = json.dumps({"messages": [user(*before, *after)]}).encode()
    content = json.loads(edit(body, blocks={1: BLOCK}))["messages"][0]["content"]
    assert content == [*before, text(BLOCK), *after]


def test_marked_blocks_keep_every_byte() -> None:
    marked = b'{"type" : "text","text":"\\u00e9", "cache_control" :{"type":"ephemeral"}}'
    body = b'{"system":[%s],"messages":[{"role":"user","content":[%s, {"type":"text","text":"q"}]}]}' % (marked, marked)
    sent = edit(body, blocks={1: BLOCK}, model="claude-x")
    block = b'{"type":"text","text":%s},' % json.dumps(BLOCK).encode()
    assert sent.replace(block, b"") == body
    assert sent.index(block) > sent.rindex(marked)


def test_blocks_are_for_users_alone() -> None:
    body = json.dumps(
        {
            "system": "be kind",
            "messages": [user(result("t", "42")), {"role": "assistant", "content": "hi"}, user()],
        }
    ).encode()
    assert edit(body, blocks=dict.fromkeys(range(6), BLOCK)) == body


def test_a_profile_goes_to_the_end_of_the_system_prompt() -> None:
    assert json.loads(edit(b'{"system":"be kind"}', profile="P"))["system"] == "be kind\n\nP"
    blocks = json.loads(edit(b'{"system":[{"type":"text","text":"a"}]}', profile="P"))["system"]
    assert blocks == [text("a"), text("P")]
    assert edit(b'{"messages":[]}', profile="P") == b'{"messages":[]}'


def test_our_own_fields_and_flags_are_cut_out() -> None:
    message = {"role": "user", "content": "psst", "memory": False}
    body = json.dumps({"model": "anthropic/claude-x", "session_id": "s", "messages": [message]}).encode()
    (found,) = MESSAGES.read(JsonDocument.parse(body)).utterances
    assert not found.is_storable
    sent = json.loads(edit(body, model="claude-x", blocks={0: BLOCK}))
    content = [text(BLOCK), text("psst")]
    assert sent == {"model": "claude-x", "messages": [{"role": "user", "content": content}]}


def hi(words: str = "hi") -> dict[str, object]:
    return {"role": "user", "content": words}


@pytest.mark.parametrize(
    ("messages", "others"),
    [
        ([hi("quota")], {"max_tokens": 1}),
        ([hi("foo")], {"max_tokens": 1, "tools": [{"name": "f"}]}),
        ([hi()], {"max_tokens": 0}),
        ([user(text(REMINDER), text("Warmup", cache_control=MARK))], {}),
        ([hi()], {"system": [CLAUDE_CODE, text("Analyze if this message indicates a new conversation topic. If it…")]}),
        (
            [hi()],
            {"system": [text("x-anthropic-billing-header: a"), text("Summarize this coding conversation in under 50")]},
        ),
        ([hi()], {"system": "Generate a concise, sentence-case title (3-7 words) that captures the main topic"}),
        (
            [hi(), hi("CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\nYour task is to create a detailed")],
            {},
        ),
        ([hi("Your task is to create a detailed summary of the conversation so far, paying close")], {}),
        ([user(text("[SUGGESTION MODE: Suggest what the user might naturally type next into Claude Code.]"))], {}),
        ([hi("The user stepped away and is coming back. Recap in under 40 words")], {}),
        ([hi("Perform a web search for the query: weather")], {}),
        ([hi("Web page content:\n---\n# Title")], {}),
        ([hi("<policy_spec>\n# Claude Code Code Bash command prefix detection")], {}),
        ([hi("Command: ls")], {"system": "Extract any file paths that this command reads or modifies. For commands"}),
    ],
)
def test_what_claude_code_asks_for_itself_is_a_side_call(messages: list[Any], others: dict[str, Any]) -> None:
    assert read(*messages, **{"max_tokens": 512, **others}).is_side_call


@pytest.mark.parametrize(
    ("messages", "others"),
    [
        ([hi("quota")], {"max_tokens": 2}),
        ([hi("What is a warmup?")], {}),
        ([hi(), {"role": "assistant", "content": "hello"}, hi("Warmup")], {}),
        ([hi()], {"system": [CLAUDE_CODE, text("You are an interactive agent that helps with software engineering.")]}),
        ([hi("Summarise this web page: https://example.com")], {}),
    ],
)
def test_what_a_person_asks_is_none(messages: list[Any], others: dict[str, Any]) -> None:
    assert not read(*messages, **{"max_tokens": 512, **others}).is_side_call


def test_structured_outputs_are_seen() -> None:
    assert read(hi(), output_config={"format": {"type": "json_schema", "schema": {}}}).wants_structure
    assert read(hi(), output_format={"type": "json_schema"}).wants_structure
    assert not read(hi(), output_config={"effort": "low"}).wants_structure


@pytest.mark.parametrize(
    ("given", "user_known", "expected"),
    [
        ("alice", None, "alice"),
        ("alice", "bob", "bob"),
        ("user_0784b2_account_261d5434-c8c2-431f-b07d-2e480cd4622f_session_b4e5aaaa-9a3e-47c4", None, None),
        ('{"device_id":"d","account_uuid":"","session_id":"s"}', None, None),
        ("", None, None),
        ("a\nb", None, None),
        (5, None, None),
        ("x" * 600, None, None),
    ],
)
def test_metadata_names_the_user_where_nothing_else_does(
    given: object, user_known: str | None, expected: str | None
) -> None:
    body = JsonDocument.parse(json.dumps({"metadata": {"user_id": given}}).encode())
    controls = Controls(user=user_known, metadata={"user_id": given, "topic": "t"})
    found = with_metadata(controls, body)
    assert (found.user, found.metadata) == (expected, {"topic": "t"})
