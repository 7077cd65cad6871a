"""Conversations in each of the three dialects, by the SDKs as they are: a question, and a tool that is called.

Each function asks, answers the calls that come back with what ``TOOL_ANSWERS`` says, and returns the last reply's text
and the calls.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anthropic import Anthropic
from openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 30.0
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL_ANSWERS = {"Oslo": "cold", "Rome": "warm"}
Said = tuple[str, list[list[str]]]


def openai_client(url: str, key: str, headers: Mapping[str, str]) -> OpenAI:
    """The SDK, unmodified."""
    return OpenAI(base_url=f"{url}/v1", api_key=key, default_headers=headers, max_retries=0, timeout=TIMEOUT_S)


def anthropic_client(url: str, key: str, headers: Mapping[str, str]) -> Anthropic:
    """The SDK, unmodified."""
    return Anthropic(base_url=url, api_key=key, default_headers=headers, max_retries=0, timeout=TIMEOUT_S)


def chat(client: OpenAI, model: str, text: str, *, is_streamed: bool) -> Said:
    """``chat.completions``."""
    function = {"name": "weather", "description": "The weather", "parameters": SCHEMA}
    messages: list[Any] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]
    asked: dict[str, Any] = {"model": model, "tools": [{"type": "function", "function": function}]}
    calls: list[list[str]] = []
    while True:
        if is_streamed:
            with client.chat.completions.stream(messages=messages, **asked) as stream:
                said = stream.get_final_completion().choices[0].message
        else:
            said = client.chat.completions.create(messages=messages, **asked).choices[0].message
        if not said.tool_calls:
            return said.content or "", calls
        messages.append(said.model_dump(exclude_none=True, exclude={"parsed"}))
        for call in said.tool_calls:
            city = json.loads(call.function.arguments)["city"]
            calls.append([call.id, call.function.name, city])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": TOOL_ANSWERS[city]})


def responses(client: OpenAI, model: str, text: str, *, is_streamed: bool) -> Said:
    """``responses``, with the whole input each time."""
    tool = {"type": "function", "name": "weather", "description": "The weather", "parameters": SCHEMA, "strict": False}
    items: list[Any] = [{"role": "user", "content": text}]
    asked: dict[str, Any] = {"model": model, "tools": [tool], "instructions": "Be kind.", "store": False}
    calls: list[list[str]] = []
    while True:
        if is_streamed:
            with client.responses.stream(input=items, **asked) as stream:
                response = stream.get_final_response()
        else:
            response = client.responses.create(input=items, **asked)
        made = [item for item in response.output if item.type == "function_call"]
        if not made:
            return response.output_text, calls
        items += [
            item.model_dump(exclude_none=True, exclude={"parsed_arguments", "status"}) for item in response.output
        ]
        for call in made:
            city = json.loads(call.arguments)["city"]
            calls.append([call.call_id, call.name, city])
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": TOOL_ANSWERS[city]})


def messages(client: Anthropic, model: str, text: str, *, is_streamed: bool) -> Said:
    """``messages``."""
    turns: list[Any] = [{"role": "user", "content": text}]
    tool = {"name": "weather", "description": "The weather", "input_schema": SCHEMA}
    asked: dict[str, Any] = {"model": model, "max_tokens": 200, "system": "Be kind.", "tools": [tool]}
    calls: list[list[str]] = []
    while True:
        if is_streamed:
            with client.messages.stream(messages=turns, **asked) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(messages=turns, **asked)
        made = [block for block in message.content if block.type == "tool_use"]
        if not made:
            return "".join(block.text for block in message.content if block.type == "text"), calls
        turns.append({"role": "assistant", "content": message.content})
        calls += [[call.id, call.name, str(call.input["city"])] for call in made]
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": TOOL_ANSWERS[str(call.input["city"])]}
            for call in made
        ]
        turns.append({"role": "user", "content": results})
