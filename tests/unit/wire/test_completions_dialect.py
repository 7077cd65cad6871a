"""Requests of ``/completions``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from recollect.wire.completions import COMPLETIONS
from recollect.wire.json_document import JsonDocument
from recollect.wire.prompt import PromptEdit

if TYPE_CHECKING:
    from recollect.wire.prompt import Prompt


def read(**body: object) -> Prompt:
    return COMPLETIONS.read(JsonDocument.parse(json.dumps(body).encode()))


def test_a_string_prompt_is_a_user_utterance() -> None:
    prompt = read(prompt="Once upon", model="m", stream=True)
    assert [(u.role, u.text) for u in prompt.utterances] == [("user", "Once upon")]
    assert (prompt.target, prompt.ends_with_user, prompt.is_streamed) == (0, True, True)


@pytest.mark.parametrize("value", [["a", "b"], [1, 2], [[1], [2]], None, 5])
def test_other_prompts_pass(value: object) -> None:
    body = json.dumps({"prompt": value}).encode()
    document = JsonDocument.parse(body)
    assert COMPLETIONS.read(document).utterances == ()
    assert COMPLETIONS.edit(document, PromptEdit(blocks={0: "B"})) is body


def test_filling_in_the_middle_is_no_conversation() -> None:
    assert read(prompt="def f(", suffix="return x").is_side_call
    assert not read(prompt="def f(").is_side_call


def test_the_block_precedes_the_prompt() -> None:
    document = JsonDocument.parse(b'{"prompt":"a","user_id":"u","model":"p/m"}')
    assert COMPLETIONS.edit(document, PromptEdit(model="m", blocks={0: "B"}, profile="P")) == (
        b'{"prompt":"B\\n\\na","model":"m"}'
    )
