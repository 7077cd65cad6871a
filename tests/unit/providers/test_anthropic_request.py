from __future__ import annotations

import pytest

from recollect.errors import InvalidRequestError
from recollect.providers.anthropic.request import JSON_ONLY, thinks_adaptively, to_messages

PNG = "data:image/png;base64,iVBORw0KGgo="


def chat(*messages, **fields):
    """Without marks for the cache, which the client's own word prevents."""
    return to_messages({"model": "claude-opus-4-6", "messages": list(messages), "cache_control": None, **fields})


def user(content, **fields):
    return {"role": "user", "content": content, **fields}


def text(value, **fields):
    return {"type": "text", "text": value, **fields}


HI = user("hi")


def test_a_plain_question():
    assert chat(HI) == {
        "model": "claude-opus-4-6",
        "max_tokens": 16384,
        "messages": [{"role": "user", "content": [text("hi")]}],
    }


def test_system_and_developer_messages_become_the_system_prompt():
    made = chat({"role": "system", "content": "a"}, {"role": "developer", "content": [text("b")]}, HI)
    assert made["system"] == [text("a"), text("b")]
    assert [turn["role"] for turn in made["messages"]] == ["user"]


def test_neighbours_of_one_side_become_one_turn():
    made = chat(user("a"), user([text("b")]), {"role": "assistant", "content": "c"}, user("d"))
    assert made["messages"] == [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c")]},
        {"role": "user", "content": [text("d")]},
    ]


def test_empty_texts_are_left_out():
    made = chat(user(""), user([text(" "), text("a")]), {"role": "assistant", "content": None}, user("b"))
    assert made["messages"] == [{"role": "user", "content": [text("a"), text("b")]}]


def test_a_prefill_does_not_end_in_white_space():
    assert chat(HI, {"role": "assistant", "content": "So: \n"})["messages"][-1]["content"] == [text("So:")]


def test_images_and_documents():
    made = chat(
        user(
            [
                {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
                {"type": "file", "file": {"file_id": "file_1"}},
            ]
        )
    )
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    assert made["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ]


CALLS = {
    "role": "assistant",
    "content": "Let me look.",
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}},
        {"id": "c2", "type": "function", "function": {"name": "time", "arguments": ""}},
    ],
}
RESULTS = [
    {"role": "tool", "tool_call_id": "c1", "content": "cold"},
    {"role": "tool", "tool_call_id": "c2", "content": [text("noon")]},
]


def test_a_tool_loop():
    made = chat(HI, CALLS, *RESULTS, user("and?"))
    assert made["messages"][1]["content"] == [
        text("Let me look."),
        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo"}},
        {"type": "tool_use", "id": "c2", "name": "time", "input": {}},
    ]
    assert made["messages"][2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": [text("cold")]},
            {"type": "tool_result", "tool_use_id": "c2", "content": [text("noon")]},
            text("and?"),
        ],
    }


def test_results_stand_before_words_of_the_same_turn():
    made = chat(HI, CALLS, user("hurry"), *RESULTS)
    assert [block["type"] for block in made["messages"][2]["content"]] == ["tool_result", "tool_result", "text"]


def test_thoughts_are_sent_back_before_everything_else():
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    made = chat(HI, {**CALLS, "thinking_blocks": [thought]}, *RESULTS)
    assert made["messages"][1]["content"][0] == thought


def test_tools_and_choice():
    function = {"name": "f", "description": "does", "parameters": {"type": "object"}, "strict": True}
    own = {"type": "web_search_20250305", "name": "web_search"}
    made = chat(HI, tools=[{"type": "function", "function": function}, own], tool_choice="required")
    assert made["tools"] == [
        {"name": "f", "input_schema": {"type": "object"}, "description": "does", "strict": True},
        own,
    ]
    assert made["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize(
    ("choice", "made"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_every_tool_choice(choice, made):
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert chat(HI, tools=tools, tool_choice=choice)["tool_choice"] == made
    assert "tool_choice" not in chat(HI, tool_choice=choice)


def test_one_call_at_a_time():
    made = chat(HI, tools=[{"type": "function", "function": {"name": "f"}}], parallel_tool_calls=False)
    assert made["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert made["tools"][0]["input_schema"] == {"type": "object", "properties": {}}


def test_cache_control_stays_where_it_was_put():
    here = {"cache_control": {"type": "ephemeral"}}
    made = chat(
        {"role": "system", "content": "long", **here},
        user([text("a", **here), text("b")]),
        tools=[{"type": "function", "function": {"name": "f"}, **here}],
    )
    assert made["system"] == [text("long", **here)]
    assert made["messages"][0]["content"] == [text("a", **here), text("b")]
    assert made["tools"][0]["cache_control"] == {"type": "ephemeral"}


def test_sampling():
    made = chat(
        HI, temperature=1.7, top_p=0.9, stop=["END", " "], max_completion_tokens=5, max_tokens=9, seed=1, user="u"
    )
    assert (made["temperature"], made["stop_sequences"], made["max_tokens"]) == (1, ["END"], 5)
    assert "top_p" not in made
    assert made["metadata"] == {"user_id": "u"}
    assert set(made) == {"model", "messages", "temperature", "stop_sequences", "max_tokens", "metadata"}
    assert chat(HI, top_p=0.9)["top_p"] == 0.9


@pytest.mark.parametrize(
    ("model", "limit"),
    [("claude-3-haiku-20240307", 4096), ("claude-3-5-sonnet-latest", 8192), ("claude-opus-5", 16384)],
)
def test_a_limit_that_the_model_takes(model, limit):
    assert chat(HI, model=model)["max_tokens"] == limit


def test_structured_output():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    assert chat(HI, response_format=wanted)["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    assert chat(HI, response_format={"type": "json_object"})["system"] == [text(JSON_ONLY)]
    assert "output_config" not in chat(HI, response_format={"type": "text"})


def test_effort_of_new_models():
    made = chat(HI, reasoning_effort="medium", temperature=0.5)
    assert made["thinking"] == {"type": "adaptive"}
    assert made["output_config"] == {"effort": "medium"}
    assert "temperature" not in made


def test_budget_of_older_models():
    made = chat(HI, model="claude-sonnet-4-5-20250929", reasoning_effort="medium", top_p=0.5)
    assert made["thinking"] == {"type": "enabled", "budget_tokens": 4096}
    assert "top_p" not in made
    assert chat(HI, model="claude-sonnet-4-5", reasoning_effort="high", max_tokens=3000)["thinking"] == {
        "type": "enabled",
        "budget_tokens": 2999,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_effort": "none"},
        {"model": "claude-sonnet-4-5", "reasoning_effort": "none"},
        {"model": "claude-sonnet-4-5", "reasoning_effort": "low", "max_tokens": 500},
        {"model": "claude-3-5-sonnet-latest", "reasoning_effort": "low"},
        {"model": "claude-3-opus-latest", "reasoning_effort": "low"},
        {
            "model": "claude-sonnet-4-5",
            "reasoning_effort": "low",
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "tool_choice": "required",
        },
    ],
)
def test_no_thinking_where_it_cannot_be(fields):
    assert "thinking" not in chat(HI, **fields)


def test_a_loop_that_began_without_thinking_goes_on_without():
    assert "thinking" not in chat(HI, CALLS, *RESULTS, reasoning_effort="high")
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert "thinking" in chat(HI, {**CALLS, "thinking_blocks": [thought]}, *RESULTS, reasoning_effort="high")


def test_anthropics_own_fields_pass():
    thinking = {"type": "enabled", "budget_tokens": 2048}
    made = chat(HI, thinking=thinking, top_k=4, stream=True, reasoning_effort="low", container="c")
    assert (made["thinking"], made["top_k"], made["stream"], made["container"]) == (thinking, 4, True, "c")


@pytest.mark.parametrize(
    ("model", "is_adaptive"),
    [
        ("claude-opus-4-6", True),
        ("claude-opus-4.6", True),
        ("claude-sonnet-4-6-20260101", True),
        ("claude-fable-5", True),
        ("claude-opus-5-5", True),
        ("claude-sonnet-4-20250514", False),
        ("claude-opus-4-1-20250805", False),
        ("claude-haiku-4-5", False),
        ("claude-3-7-sonnet-latest", False),
        ("claude-instant-1.2", False),
        ("my-own-name", False),
    ],
)
def test_which_models_take_an_effort(model, is_adaptive):
    assert thinks_adaptively(model) is is_adaptive


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"messages": [user(7)]}, "messages[0]"),
        ({"messages": [HI], "n": 2}, "n"),
        ({"messages": [user([{"type": "input_audio"}])]}, "messages[0].content[0]"),
        ({"messages": [user([7])]}, "messages[0].content[0]"),
        ({"messages": [user([{"type": "image_url"}])]}, "messages[0].content[0]"),
        ({"messages": [user([{"type": "image_url", "image_url": "data:image/png,abc"}])]}, "messages[0].content[0]"),
        ({"messages": [user([{"type": "file", "file": {}}])]}, "messages[0].content[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0]"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]},
            "messages[0].tool_calls[0]",
        ),
        ({"messages": [HI], "tools": [{"type": "function"}]}, "tools[0]"),
        ({"messages": [HI], "tools": [7]}, "tools[0]"),
    ],
)
def test_what_cannot_be_said_is_named(body, param):
    with pytest.raises(InvalidRequestError) as caught:
        to_messages({"model": "claude-opus-4-6", **body})
    assert caught.value.param == param
