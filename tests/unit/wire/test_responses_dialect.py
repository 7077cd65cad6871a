"""Requests of ``/responses``: strings, items, and state upstream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from recollect.errors import InvalidRequestError
from recollect.wire.chat_completions import CHAT_COMPLETIONS
from recollect.wire.json_document import JsonDocument
from recollect.wire.prompt import PromptEdit
from recollect.wire.responses import RESPONSES

if TYPE_CHECKING:
    from recollect.wire.prompt import Prompt


def read(**body: object) -> Prompt:
    return RESPONSES.read(JsonDocument.parse(json.dumps(body).encode()))


def edit(body: dict[str, object], **changes: Any) -> dict[str, Any]:
    found = RESPONSES.edit(JsonDocument.parse(json.dumps(body).encode()), PromptEdit(**changes))
    return dict(json.loads(found))


def user(text: str) -> dict[str, object]:
    return {"role": "user", "content": [{"type": "input_text", "text": text}]}


CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "42"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
ANSWER = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "It is 42.", "annotations": []}],
}


def test_a_string_input_is_a_user_message() -> None:
    prompt = read(input="hi", instructions="be kind", model="gpt-5")
    assert [(u.role, u.text) for u in prompt.utterances] == [("system", "be kind"), ("user", "hi")]
    assert (prompt.target, prompt.ends_with_user, prompt.model) == (1, True, "gpt-5")


def test_an_assistants_items_in_a_row_are_one_utterance() -> None:
    prompt = read(input=[user("what is it?"), REASONING, CALL, RESULT, ANSWER, user("thanks")])
    assert [(u.role, u.text) for u in prompt.utterances] == [
        ("user", "what is it?"),
        ("assistant", ""),
        ("tool", "42"),
        ("assistant", "It is 42."),
        ("user", "thanks"),
    ]
    assert prompt.target == 4


def test_a_conversation_is_the_same_in_both_dialects() -> None:
    responses = read(input=[user("q"), REASONING, CALL, RESULT, ANSWER])
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "assistant", "content": "It is 42."},
    ]
    chat = CHAT_COMPLETIONS.read(JsonDocument.parse(json.dumps({"messages": messages}).encode()))
    assert [u.fingerprint for u in responses.utterances] == [u.fingerprint for u in chat.utterances]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "msg_1"},
        REASONING,
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "kind_of_tomorrow", "content": 5},
    ],
)
def test_what_says_nothing_is_not_stored_and_passes(item: dict[str, object]) -> None:
    prompt = read(input=[item, user("q")])
    assert not prompt.utterances[0].is_storable
    assert prompt.utterances[1].text == "q"


def test_outputs_of_every_kind_pass() -> None:
    prompt = read(
        input=[
            user("q"),
            {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "4"}]},
            {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "x"}]},
            {"type": "function_call_output", "call_id": "c", "output": {"odd": 1}},
        ]
    )
    assert [u.text for u in prompt.utterances] == ["q", "", "4", "", ""]
    assert (prompt.target, prompt.ends_with_user) == (0, False)


@pytest.mark.parametrize(
    ("state", "continues"),
    [
        ({"previous_response_id": "resp_1"}, "resp_1"),
        ({"conversation": "conv_1"}, "conv_1"),
        ({"conversation": {"id": "conv_1"}}, "conv_1"),
        ({"previous_response_id": None, "conversation": None}, None),
        ({}, None),
    ],
)
def test_state_upstream_is_named(state: dict[str, object], continues: str | None) -> None:
    assert read(input="hi", **state).continues == continues


def test_requests_without_input_pass() -> None:
    assert read(prompt={"id": "pmpt_1"}).utterances == ()
    assert read(input=None, instructions=None).target is None


@pytest.mark.parametrize(
    ("value", "param"),
    [
        (5, "input"),
        (["hi"], "input[0]"),
        ([{"content": "hi"}], "input[0].role"),
        ([user("a"), {"role": "user", "content": 5}], "input[1].content"),
        ([{"role": "user", "content": "a", "memory": 1}], "input[0].memory"),
    ],
)
def test_what_memory_cannot_read_is_named(value: object, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(input=value)
    assert caught.value.param == param


def test_a_codex_request_is_read_as_the_users_words() -> None:
    prompt = read(
        input=[
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "sandbox"}]},
            {"type": "message", **user("<environment_context>\n  <cwd>/w</cwd>\n</environment_context>")},
            {"type": "message", **user("fix the test")},
        ],
        store=False,
        include=["reasoning.encrypted_content"],
    )
    assert prompt.target == 2
    assert [u.is_storable for u in prompt.utterances] == [True, False, True]
    assert not prompt.is_side_call


def test_prewarming_and_compaction_are_side_calls() -> None:
    assert read(type="response.create", generate=False, input=[]).is_side_call
    assert read(input=[user("a"), {"type": "compaction_trigger"}]).is_side_call
    turn = json.dumps({"request_kind": "prewarm"})
    assert read(input=[], client_metadata={"x-codex-turn-metadata": turn}).is_side_call
    assert not read(input="hi", client_metadata={"x-codex-turn-metadata": '{"request_kind":"turn"}'}).is_side_call


def test_structure_is_recognised() -> None:
    assert read(input="a", text={"format": {"type": "json_schema"}}).wants_structure
    assert not read(input="a", text={"format": {"type": "text"}, "verbosity": "low"}).wants_structure


def test_blocks_go_into_the_users_items_by_the_utterances_index() -> None:
    body: dict[str, object] = {
        "instructions": "i",
        "input": [user("q"), REASONING, CALL, RESULT, ANSWER, {"role": "user", "content": "next"}],
    }
    found = edit(body, blocks={1: "A", 5: "B", 2: "never", 3: "never"})
    assert found["input"][0]["content"] == [
        {"type": "input_text", "text": "A"},
        {"type": "input_text", "text": "q"},
    ]
    assert found["input"][5]["content"] == "B\n\nnext"
    assert found["input"][1:5] == [REASONING, CALL, RESULT, ANSWER]
    assert found["instructions"] == "i"


def test_a_block_goes_to_a_string_input() -> None:
    assert edit({"input": "q"}, blocks={0: "A"}) == {"input": "A\n\nq"}
    structured: dict[str, object] = {"input": "q", "text": {"format": {"type": "json_object"}}}
    assert edit(structured, blocks={0: "A"})["input"] == "A\n\nq"


def test_a_profile_goes_to_the_instructions_or_the_developer() -> None:
    assert edit({"input": "q", "instructions": "i"}, profile="P")["instructions"] == "i\n\nP"
    developer: dict[str, object] = {"role": "developer", "content": "d"}
    assert edit({"input": [developer, user("q")]}, profile="P")["input"][0]["content"] == "d\n\nP"
    assert edit({"input": "q"}, profile="P") == {"input": "q"}


def test_own_fields_and_flags_are_cut() -> None:
    body: dict[str, object] = {
        "run_id": "r",
        "input": [{**user("q"), "memory": False}],
        "model": "openai/m",
        "limit": 1,
    }
    assert edit(body, model="m") == {"input": [user("q")], "model": "m"}


def test_a_message_among_the_assistants_items_can_be_kept_out() -> None:
    prompt = read(input=[user("q"), {**ANSWER, "memory": False}, CALL])
    assert not prompt.utterances[1].is_storable
