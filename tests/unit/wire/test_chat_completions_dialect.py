"""Requests of ``/chat/completions``: what memory reads in them, and what it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from recollect.domain.messages import NewMessage, fingerprint
from recollect.errors import InvalidRequestError
from recollect.wire.chat_completions import CHAT_COMPLETIONS
from recollect.wire.json_document import JsonDocument
from recollect.wire.prompt import PromptEdit

if TYPE_CHECKING:
    from recollect.wire.prompt import Prompt

BLOCK = "<memory-0123456789ab>\n[2023-05-08 Mon]\nAlice: I love hiking\n</memory-0123456789ab>"


def read(*messages: object, **others: object) -> Prompt:
    return CHAT_COMPLETIONS.read(JsonDocument.parse(json.dumps({"messages": messages, **others}).encode()))


def edit(body: bytes, **changes: Any) -> bytes:
    return CHAT_COMPLETIONS.edit(JsonDocument.parse(body), PromptEdit(**changes))


def user(content: object, **others: object) -> dict[str, object]:
    return {"role": "user", "content": content, **others}


def test_every_message_is_an_utterance_at_its_index() -> None:
    prompt = read(
        {"role": "system", "content": "be kind"},
        {"role": "developer", "content": [{"type": "text", "text": "be brief"}]},
        user("hi", name="alice"),
        {"role": "assistant", "content": "hello"},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "function", "name": "f", "content": "43"},
        {"role": "critic", "content": "hm"},
        model="gpt-4o",
        stream=True,
    )
    assert [(u.role, u.text) for u in prompt.utterances] == [
        ("system", "be kind"),
        ("developer", "be brief"),
        ("user", "hi"),
        ("assistant", "hello"),
        ("tool", "42"),
        ("tool", "43"),
        ("tool", "hm"),
    ]
    assert (prompt.dialect, prompt.model, prompt.is_streamed) == ("chat/completions", "gpt-4o", True)
    assert prompt.utterances[2].name == "alice"
    assert not prompt.utterances[-1].is_storable, "a role nobody knows has no place in a conversation"


def test_the_fingerprint_is_that_of_the_stored_message() -> None:
    prompt = read(
        user("hi"),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        user([{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:,"}}]),
    )
    for found in prompt.utterances:
        stored = NewMessage(found.role, found.text, occurred_at=None, content=found.content)  # type: ignore[arg-type]
        assert found.fingerprint == stored.fingerprint


def test_the_same_words_are_the_same_message_as_string_and_as_parts() -> None:
    prompt = read(user("hi"), user([{"type": "text", "text": "hi"}]))
    assert prompt.utterances[0].fingerprint == prompt.utterances[1].fingerprint == fingerprint("user", "hi")


def test_tool_calls_are_the_same_message_however_they_are_spelled() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    spelled_otherwise = {
        "function": {"arguments": '{ "a": 1 }', "name": "f"},
        "id": "c",
        "index": 0,
        "extra_content": {},
    }
    prompt = read(
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "assistant", "tool_calls": [spelled_otherwise]},
        {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "assistant", "content": "", "tool_calls": [{**call, "id": "d"}]},
    )
    first, second, third, other = (found.fingerprint for found in prompt.utterances)
    assert first == second == third != other


def test_moving_cache_markers_do_not_change_a_message() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    prompt = read(user([image]), user([{**image, "cache_control": {"type": "ephemeral"}}]))
    assert prompt.utterances[0].fingerprint == prompt.utterances[1].fingerprint


def test_legacy_function_calls_and_custom_tools_are_calls() -> None:
    prompt = read(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "g", "input": "x"}}]},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "h", "arguments": {"a": 1}}}]},
    )
    calls = [json.loads(found.content or "")["tool_calls"][0]["function"] for found in prompt.utterances]
    assert calls == [
        {"name": "f", "arguments": "{}"},
        {"name": "g", "arguments": "x"},
        {"name": "h", "arguments": '{"a":1}'},
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}],
            "a\n[image]\nb",
        ),
        ([{"type": "input_audio", "input_audio": {}}], "[audio]"),
        ([{"type": "file", "file": {}}], "[file]"),
        ([{"type": "hologram"}], "[hologram]"),
        (["plain"], "plain"),
        ([{"text": "no type"}], "no type"),
        ([{"type": "refusal", "refusal": "no"}], "no"),
        ([{"type": "text", "text": None}], ""),
        ([], ""),
        (None, ""),
        ("lone \ud800", "lone \ufffd"),
    ],
)
def test_content_of_every_kind_has_a_text(content: object, text: str) -> None:
    assert read(user(content)).utterances[0].text == text


def test_absent_content_and_refusals() -> None:
    prompt = read({"role": "assistant"}, {"role": "assistant", "content": None, "refusal": "I will not"})
    assert [found.text for found in prompt.utterances] == ["", "I will not"]


def test_spoken_replies_are_known_by_the_id_of_their_audio() -> None:
    prompt = read({"role": "assistant", "audio": {"id": "audio_1"}})
    assert prompt.utterances[0].content == '{"audio":{"id":"audio_1"}}'


@pytest.mark.parametrize(
    ("messages", "target", "ends_with_user"),
    [
        ([user("a")], 0, True),
        ([user("a"), {"role": "assistant", "content": "b"}, user("c")], 2, True),
        ([user("a"), {"role": "assistant", "tool_calls": []}, {"role": "tool", "content": "42"}], 0, False),
        ([user("a"), {"role": "assistant", "content": "prefilled"}], 0, False),
        ([user("a"), user([{"type": "image_url", "image_url": {}}])], None, True),
        ([user("   ")], None, True),
        ([{"role": "system", "content": "x"}], None, False),
        ([user("a"), user("<environment_context>cwd</environment_context>")], 0, True),
        ([], None, False),
    ],
)
def test_the_target_is_what_the_user_said_last(
    messages: list[object], target: int | None, ends_with_user: bool
) -> None:
    prompt = read(*messages)
    assert (prompt.target, prompt.ends_with_user) == (target, ends_with_user)


def test_a_request_without_messages_passes() -> None:
    prompt = CHAT_COMPLETIONS.read(JsonDocument.parse(b'{"model": 5, "messages": null}'))
    assert (prompt.model, prompt.utterances, prompt.target) == (None, (), None)


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ("hi", "messages"),
        ({}, "messages"),
        (["hi"], "messages[0]"),
        ([{"content": "hi"}], "messages[0].role"),
        ([user("a"), {"role": 5, "content": "hi"}], "messages[1].role"),
        ([user("a"), user("a"), user("a"), user(5)], "messages[3].content"),
        ([user({"type": "text"})], "messages[0].content"),
        ([user([5])], "messages[0].content[0]"),
        ([user([{"type": "text", "text": 5}])], "messages[0].content[0].text"),
        ([user("a", memory="no")], "messages[0].memory"),
    ],
)
def test_what_memory_cannot_read_is_named(messages: object, param: str) -> None:
    document = JsonDocument.parse(json.dumps({"messages": messages}).encode())
    with pytest.raises(InvalidRequestError) as caught:
        CHAT_COMPLETIONS.read(document)
    assert caught.value.param == param
    assert param in caught.value.message


def test_a_message_can_be_kept_out_of_the_vault() -> None:
    prompt = read(user("secret", memory=False), user("public", memory=True))
    assert [found.is_storable for found in prompt.utterances] == [False, True]
    assert prompt.target == 1


@pytest.mark.parametrize("text", [f"hi\n\n{BLOCK}", f"{BLOCK}\n\nhi"])
def test_an_echoed_block_is_no_part_of_what_was_said(text: str) -> None:
    plain, echoed, parts = read(
        user("hi"), user(text), user([{"type": "text", "text": "hi"}, {"type": "text", "text": BLOCK}])
    ).utterances
    assert echoed == plain
    assert parts.fingerprint == plain.fingerprint


def test_an_echoed_block_beside_an_image_is_not_stored() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    plain, echoed = read(user([image]), user([image, {"type": "text", "text": BLOCK}])).utterances
    assert plain.fingerprint == echoed.fingerprint
    assert "hiking" not in (echoed.content or "")


def test_harness_text_is_neither_stored_nor_injected_into() -> None:
    prompt = read(user("<environment_context>\n<cwd>/src</cwd>\n</environment_context>"), user("fix it"))
    assert not prompt.utterances[0].is_storable
    assert not prompt.utterances[0].can_hold_block
    assert prompt.target == 1


@pytest.mark.parametrize(
    ("field", "value", "wants"),
    [
        ("response_format", {"type": "json_schema", "json_schema": {}}, True),
        ("response_format", {"type": "json_object"}, True),
        ("response_format", {"type": "text"}, False),
        ("guided_json", {}, True),
        ("temperature", 1, False),
    ],
)
def test_structure_is_recognised(field: str, value: object, wants: bool) -> None:
    assert read(user("a"), **{field: value}).wants_structure is wants


def test_a_block_goes_before_the_words_of_a_string() -> None:
    body = b'{"messages": [{"role":"user", "content" : "h\\u00e9llo \\"x\\"" }], "n": 1.0}'
    expected = '{"messages": [{"role":"user", "content" : "Say \\"é\\"\\n\\n\\nh\\u00e9llo \\"x\\"" }], "n": 1.0}'
    assert edit(body, blocks={0: 'Say "é"\n'}) == expected.encode()


def test_a_block_becomes_a_text_part_before_the_others() -> None:
    body = b'{"messages":[{"role":"user","content":[ {"type":"image_url","image_url":{}} ]}]}'
    assert edit(body, blocks={0: "B"}) == (
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"B"}, {"type":"image_url","image_url":{}} ]}]}'
    )


def test_several_messages_get_their_blocks_at_once() -> None:
    body = (
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"content":"c","role":"user"}]}'
    )
    found = json.loads(edit(body, blocks={0: "A", 2: "C"}))
    assert [message["content"] for message in found["messages"]] == ["A\n\na", "b", "C\n\nc"]


def test_where_structure_is_wanted_the_question_stays_last() -> None:
    body = (
        b'{"response_format":{"type":"json_object"},'
        b'"messages":[{"role":"user","content":"q"},{"role":"user","content":["p"]}]}'
    )
    found = json.loads(edit(body, blocks={0: "A", 1: "B"}))
    assert found["messages"][0]["content"] == "A\n\nq"
    assert found["messages"][1]["content"] == [{"type": "text", "text": "B"}, "p"]


@pytest.mark.parametrize("content", [b"null", b"[]", b'""'])
def test_what_cannot_hold_a_block_is_left_alone(content: bytes) -> None:
    body = b'{"messages":[{"role":"user","content":' + content + b"}]}"
    assert not CHAT_COMPLETIONS.read(JsonDocument.parse(body)).utterances[0].can_hold_block
    assert edit(body, blocks={0: "B", 7: "C"}) == body


def test_a_profile_goes_to_the_end_of_the_leading_instructions() -> None:
    body = (
        b'{"messages":[{"role":"system","content":"s"},{"role":"developer","content":"d"},'
        b'{"role":"user","content":"u"}]}'
    )
    found = json.loads(edit(body, profile="P"))
    assert [message["content"] for message in found["messages"]] == ["s", "d\n\nP", "u"]
    without = b'{"messages":[{"role":"user","content":"u"}]}'
    assert edit(without, profile="P") == without


def test_our_own_fields_are_cut_and_the_providers_stay() -> None:
    body = (
        b'{"user_id":"u", "model":"openai/gpt-4o","session_id":1,"run_id":1,"agent_id":1, '
        b'"user":"u","metadata":{"a":"b"},'
        b'"memory_mode":"off","memory_store":"all","memory_max_tokens":1,"memory_metadata":{},"limit":3,"as_of":null,'
        b'"messages":[{"memory":false,"role":"user","content":"x"},{"role":"user","content":"y","memory":true}],'
        b'"safety_identifier":"s","filters":{}}'
    )
    assert edit(body, model="gpt-4o", blocks={1: "B"}) == (
        b'{"model":"gpt-4o","user":"u","metadata":{"a":"b"},'
        b'"messages":[{"role":"user","content":"x"},{"role":"user","content":"B\\n\\ny"}],"safety_identifier":"s"}'
    )


def test_nothing_to_change_gives_the_same_bytes_object() -> None:
    body = b'{"model":"m", "messages":[{"role":"user","content":"x"}]}'
    assert edit(body, model="m") is body


@pytest.mark.parametrize("depth", [10, 300, 700])
def test_deep_parts_are_read(depth: int) -> None:
    deep = f"{'[' * depth}{']' * depth}"
    body = f'{{"messages":[{{"role":"user","content":[{{"type":"image_url","x":{deep}}}]}}]}}'.encode()
    (found,) = CHAT_COMPLETIONS.read(JsonDocument.parse(body)).utterances
    assert found.content is not None


def test_names_and_contents_can_be_encoded() -> None:
    image = {"type": "image_url", "image_url": {"url": "\ud800"}}
    (found,) = read(user([image], name="a\ud800")).utterances
    assert found.name == "a\ufffd"
    assert "\ufffd" in (found.content or "")
    assert (found.content or "").encode()
