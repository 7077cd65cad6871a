"""The provider that the other tests rely on, seen through OpenAI's own SDK."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

import anthropic
import openai
import pytest

from recollect.testing.scripted_provider import Script, ScriptedProvider, ToolCall
from recollect.testing.scripted_rules import message_problem

HELLO = [{"role": "user", "content": "hi"}]


@pytest.fixture
def provider():
    with ScriptedProvider.in_thread() as running:
        yield running


@pytest.fixture
def client(provider):
    with openai.OpenAI(base_url=provider.base_url, api_key="sk-1", max_retries=0) as made:
        yield made


def test_it_says_what_it_is_told(provider, client):
    provider.script = Script(text="Hi, Alice.")
    assert client.chat.completions.create(model="m", messages=HELLO).choices[0].message.content == "Hi, Alice."
    assert client.responses.create(model="m", input="hi").output_text == "Hi, Alice."
    assert client.completions.create(model="m", prompt="hi").choices[0].text == "Hi, Alice."


def test_it_streams_the_same(provider, client):
    provider.script = Script(text="One two three four.", pieces=3)
    chunks = list(client.chat.completions.create(model="m", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "One two three four."
    events = list(client.responses.create(model="m", input="hi", stream=True))
    assert events[-1].response.output_text == "One two three four."
    texts = [chunk.choices[0].text for chunk in client.completions.create(model="m", prompt="hi", stream=True)]
    assert (len(texts), "".join(texts)) == (3, "One two three four.")


def test_a_text_can_depend_on_the_request(provider, client):
    provider.script = Script(text=lambda received: received.json()["model"].upper())
    assert client.responses.create(model="abc", input="hi").output_text == "ABC"


def test_scripts_are_used_in_turn(provider, client):
    provider.then(Script(text="first"), Script(text="second"))
    texts = [client.responses.create(model="m", input="hi").output_text for _ in range(3)]
    assert texts == ["first", "second", Script().text]


def test_it_calls_tools(provider, client):
    provider.script = Script(text="", tool_calls=(ToolCall("weather", '{"city": "Oslo"}', id="call_1"),))
    message = client.chat.completions.create(model="m", messages=HELLO).choices[0].message
    assert message.content is None
    assert (message.tool_calls[0].function.name, message.tool_calls[0].id) == ("weather", "call_1")
    with client.chat.completions.stream(model="m", messages=HELLO) as stream:
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert call.function.arguments == '{"city": "Oslo"}'
    assert client.responses.create(model="m", input="hi").output[0].arguments == '{"city": "Oslo"}'
    with client.responses.stream(model="m", input="hi") as stream:
        assert stream.get_final_response().output[0].arguments == '{"city": "Oslo"}'


def test_usage_is_streamed_where_it_was_asked_for(client):
    asked = list(
        client.chat.completions.create(model="m", messages=HELLO, stream=True, stream_options={"include_usage": True})
    )
    assert asked[-1].usage.total_tokens > 10
    assert all(chunk.choices for chunk in client.chat.completions.create(model="m", messages=HELLO, stream=True))


def test_other_endpoints(provider, client):
    vectors = client.embeddings.create(model="m", input=["a", "b", "a"]).data
    assert vectors[0].embedding == vectors[2].embedding != vectors[1].embedding
    assert len(client.embeddings.create(model="m", input="a", dimensions=3).data[0].embedding) == 3
    assert [model.id for model in client.models.list()] == list(provider.models)
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")
    assert client.files.create(file=b"abc", purpose="user_data").bytes == len(provider.last.body)
    assert b"abc" in provider.last.body
    assert len(client.audio.speech.create(model="m", voice="alloy", input="hi").content) == 16384


def test_errors_are_openais(provider, client):
    provider.then(Script(status=429, headers=(("Retry-After", "7"),)), Script(status=401), Script(status=500))
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model="m", input="hi")
    assert caught.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.AuthenticationError):
        client.responses.create(model="m", input="hi")
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="m", input="hi")


def test_requests_are_recorded_as_they_came(provider, client):
    client.responses.create(model="m", input="hï", extra_headers={"X-One": "1"})
    received = provider.last
    assert (received.method, received.path) == ("POST", "/v1/responses")
    assert received.json()["input"] == "hï"
    assert received.header("x-one") == "1"
    assert received.header("authorization") == "Bearer sk-1"
    assert received.header("x-none") is None
    assert provider.wait_for(1, 0)
    assert not provider.wait_for(2, 0)


@pytest.mark.parametrize(
    "script",
    [
        Script(line_end="\r\n"),
        Script(line_end="\r"),
        Script(has_comments=True),
        Script(has_done=False),
        Script(has_spaces=False),
        Script(encoding="gzip"),
        Script(encoding="deflate"),
        Script(encoding="br"),
    ],
    ids=repr,
)
def test_every_way_of_writing_a_stream_is_understood(provider, client, script):
    provider.script = script
    chunks = client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == script.text


def test_a_cut_is_seen_as_one(provider, client):
    provider.script = Script(cut_after=2)
    with pytest.raises(openai.APIConnectionError):
        client.responses.create(model="m", input="hi")
    stream = client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert next(stream).choices[0].delta.role == "assistant"
    with pytest.raises(openai.APIConnectionError):
        list(stream)


def test_a_raw_body_is_sent_as_it_is(provider, client):
    provider.script = Script(raw=b"{not json", content_type="application/json")
    with pytest.raises((openai.APIResponseValidationError, ValueError)):
        client.chat.completions.create(model="m", messages=HELLO)


def test_malformed_json_is_refused(provider):
    request = b"POST /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", provider.port)) as connection:
        connection.sendall(request)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 400")


async def test_it_knows_when_a_client_leaves():
    async with ScriptedProvider(Script(hang="after_head")) as provider:
        client = openai.AsyncOpenAI(base_url=provider.base_url, api_key="sk-1", max_retries=0, timeout=0.2)
        with pytest.raises(openai.APITimeoutError):
            await client.responses.create(model="m", input="hi")
        await client.close()
        assert await provider.last.client_left()


def test_it_runs_from_the_command_line():
    command = [sys.executable, "-m", "recollect.testing.scripted_provider", "--text", "From afar."]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        base_url = process.stdout.readline().strip()
        with openai.OpenAI(base_url=base_url, api_key="sk-1") as client:
            assert client.responses.create(model="m", input="hi").output_text == "From afar."
        process.terminate()


MARK = {"type": "ephemeral"}
CALLED = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "42"}


def said(*blocks):
    return {"role": "user", "content": list(blocks)}


def words(text, **others):
    return {"type": "text", "text": text, **others}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": HELLO, "system": "be kind"},
        {"messages": [*HELLO, CALLED, said(RESULT, words("and?"))]},
        {"messages": [*HELLO, {"role": "assistant", "content": [{"type": "thinking", "signature": "s"}]}, *HELLO]},
        {"messages": HELLO, "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
        {"messages": [said(*(words(str(n), cache_control=MARK) for n in range(4)))]},
    ],
)
def test_what_anthropic_takes_it_takes(body):
    assert message_problem({"model": "m", "max_tokens": 9, **body}) is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"messages": HELLO, "max_tokens": None}, "max_tokens"),
        ({"messages": HELLO, "session_id": "s"}, "session_id: Extra inputs"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "tool", "content": "x"}]}, r"messages\.0\.role"),
        ({"messages": [said(words(""))]}, "non-empty"),
        ({"messages": [said(), *HELLO]}, "non-empty content"),
        ({"messages": [*HELLO, CALLED, *HELLO]}, "without `tool_result`"),
        ({"messages": [*HELLO, CALLED, said(words("first"), RESULT)]}, "without `tool_result`"),
        ({"messages": [*HELLO, CALLED]}, "no `tool_result`"),
        ({"messages": [said(RESULT)]}, "unexpected `tool_use_id`"),
        ({"messages": [said(*(words(str(n), cache_control=MARK) for n in range(5)))]}, "maximum of 4"),
        ({"messages": [said({"type": "thinking", "signature": "s", "cache_control": MARK})]}, "cannot be set"),
        ({"messages": [said({"type": "thinking", "thinking": "x"})]}, "signature: Field required"),
        ({"messages": HELLO, "thinking": {"type": "enabled", "budget_tokens": 9}}, "budget_tokens"),
        ({"messages": HELLO, "temperature": 2}, "temperature"),
        ({"messages": HELLO, "tools": [{"name": "f"}]}, "input_schema"),
    ],
)
def test_what_anthropic_refuses_it_refuses(body, problem):
    found = message_problem({"model": "m", "max_tokens": 9, **body})
    assert found is not None
    assert re.search(problem, found)


def test_it_counts_anthropics_tokens(provider):
    root = provider.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=root, api_key="k", max_retries=0) as made:
        assert made.messages.count_tokens(model="m", messages=HELLO).input_tokens > 0
        with pytest.raises(anthropic.BadRequestError, match="non-empty"):
            made.messages.create(model="m", max_tokens=9, messages=[said(words(""))])
