"""Anthropic's own dialect: its SDK and Claude Code → a gateway → a provider that is as strict as Anthropic."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from anthropic import Anthropic

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script, ToolCall
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import UPSTREAM_KEY
from tests.e2e.test_prefix import HEADERS, TURNS, check, raw_list, tell
from tests.e2e.vaults import call, stored_texts, users

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

MODEL = "claude-opus-4-6"
FACT = "My name is Alice and I love hiking"
QUESTION = "What are my hobbies?"
MARK = {"type": "ephemeral"}
REMINDER = {"type": "text", "text": "<system-reminder>\nContents of CLAUDE.md: love hiking trails\n</system-reminder>"}


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return f"messages {request.node.name}"


def sdk(gateway: GatewayProcess, user: str = "", **options: Any) -> Anthropic:
    named = {"X-Memory-User": user} if user else {}
    headers = {**named, **options.pop("default_headers", {})}
    given = {"base_url": gateway.url, "api_key": gateway.admin_key, "max_retries": 0, **options}
    return Anthropic(default_headers=headers, **given)


def ask(client: Anthropic, *content: Any, session: str = "s", **fields: Any) -> anthropic.types.Message:
    words = content[0] if len(content) == 1 and isinstance(content[0], str) else list(content)
    turns = [*fields.pop("before", ()), {"role": "user", "content": words}]
    asked = {"model": MODEL, "max_tokens": 99, **fields}
    return client.messages.create(messages=turns, extra_headers={"X-Memory-Session": session}, **asked)


def text(words: str, **others: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **others}


def test_what_was_told_is_recalled(gateway: GatewayProcess, provider: ScriptedProvider, user: str) -> None:
    with sdk(gateway, user) as client:
        assert ask(client, FACT, session="monday").content[0].text == ANSWER
        ask(client, QUESTION, session="tuesday")
        block, words = provider.last.json()["messages"][0]["content"]
        assert "love hiking" in block["text"]
        assert words == text(QUESTION)
        with client.messages.stream(
            model="anthropic/" + MODEL, max_tokens=99, messages=[{"role": "user", "content": QUESTION}]
        ) as stream:
            assert "".join(stream.text_stream) == ANSWER
        assert (provider.last.path, provider.last.json()["model"]) == ("/v1/messages", MODEL)
        assert provider.last.header("x-api-key") == UPSTREAM_KEY
        assert "love hiking" in provider.last.body.decode()
    assert stored_texts(gateway, user)[-2:] == [FACT, ANSWER]


def test_who_may_ask_and_with_which_key(gateway: GatewayProcess, provider: ScriptedProvider, user: str) -> None:
    memory_key = gateway.create_key(kind="client")
    ways: list[dict[str, Any]] = [
        {"api_key": memory_key},
        {"api_key": None, "auth_token": memory_key},
        {"api_key": UPSTREAM_KEY, "default_headers": {"X-Memory-Key": memory_key}},
        {
            "api_key": UPSTREAM_KEY,
            "default_headers": {"X-Memory-Key": memory_key},
            "base_url": gateway.forward_url.removesuffix("/v1"),
        },
    ]
    for options in ways:
        with sdk(gateway, user, **options) as client:
            ask(client, FACT)
        keys = {provider.last.header("x-api-key"), provider.last.header("authorization")}
        assert keys in ({UPSTREAM_KEY, None}, {f"Bearer {UPSTREAM_KEY}", None})
        assert "mk_" not in str(provider.last.headers)
    assert stored_texts(gateway, user)[:2] == [FACT, ANSWER]
    subscriber = {"api_key": None, "auth_token": "sk-ant-oat01-x", "default_headers": {"X-Memory-Key": memory_key}}
    with sdk(gateway, user, **subscriber) as client:
        ask(client, "hi")
    assert provider.last.header("authorization") == "Bearer sk-ant-oat01-x"
    assert provider.last.header("x-api-key") is None


def test_our_own_errors_are_anthropics(gateway: GatewayProcess) -> None:
    with sdk(gateway, api_key="mk_" + "x" * 43) as client, pytest.raises(anthropic.AuthenticationError) as unknown:
        ask(client, "hi")
    body = unknown.value.body
    assert isinstance(body, dict)
    assert (body["type"], body["error"]["type"]) == ("error", "authentication_error")
    with sdk(gateway) as client, pytest.raises(anthropic.BadRequestError, match="must be an array") as malformed:
        client.messages.create(model=MODEL, max_tokens=9, messages="hi")  # type: ignore[arg-type]
    assert isinstance(malformed.value.body, dict)
    assert malformed.value.body["error"]["type"] == "invalid_request_error"


def test_versions_and_betas_pass(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    with sdk(gateway) as client:
        client.beta.messages.create(
            model=MODEL,
            max_tokens=9,
            betas=["x-2026"],
            messages=[{"role": "user", "content": "hi"}],
            extra_headers={"anthropic-version": "2099-01-01"},
        )
    assert provider.last.path.startswith("/v1/messages")
    assert provider.last.header("anthropic-beta") == "x-2026"
    assert provider.last.header("anthropic-version") == "2099-01-01"


def test_tokens_are_counted_by_the_provider(gateway: GatewayProcess, provider: ScriptedProvider, user: str) -> None:
    with sdk(gateway, user) as client:
        count = client.messages.count_tokens(model="anthropic/" + MODEL, messages=[{"role": "user", "content": FACT}])
    assert count.input_tokens > 0
    assert (provider.last.path, provider.last.json()["model"]) == ("/v1/messages/count_tokens", MODEL)
    assert user not in users(gateway)


def test_the_built_in_model_answers(gateway: GatewayProcess, user: str) -> None:
    with sdk(gateway, user) as client:
        ask(client, FACT, session="monday")
        assert "love hiking" in ask(client, QUESTION, session="tuesday", model="recollect/recall").content[0].text
        with client.messages.stream(
            model="recollect/recall", max_tokens=99, messages=[{"role": "user", "content": QUESTION}]
        ) as stream:
            assert "love hiking" in "".join(stream.text_stream)
            assert stream.get_final_message().stop_reason == "end_turn"


@pytest.mark.parametrize("style", ["router", "forward"])
def test_without_memory_every_byte_passes(gateway: GatewayProcess, provider: ScriptedProvider, style: str) -> None:
    body = (
        b'{ "model":"claude-opus-4-6" ,"max_tokens": 9,"messages":[{"content":"\\u00e9\\/ ","role":"user"}],"top_k":1 }'
    )
    url = gateway.base_url if style == "router" else gateway.forward_url
    headers = {"X-Memory-Key": gateway.admin_key, "x-api-key": "k", "anthropic-version": "2023-06-01"}
    reply = httpx.post(
        f"{url}/messages?memory=off", content=body, headers={**headers, "content-type": "application/json"}
    )
    assert reply.status_code == httpx.codes.OK
    assert provider.last.body == body
    assert provider.last.path == "/v1/messages"
    assert reply.json()["content"] == [text(ANSWER)]


def test_metadata_names_the_user(gateway: GatewayProcess, user: str) -> None:
    key = gateway.create_key(kind="vault", user=f"{user} of the vault")
    composed = "user_0784b2_account_261d5434-c8c2-431f-b07d-2e480cd4622f_session_b4e5aaaa-9a3e-47c4-84ad-3a70f38c676e"
    with sdk(gateway) as client:
        ask(client, FACT, metadata={"user_id": user})
    with sdk(gateway, api_key=key) as client:
        ask(client, "I love ramen", metadata={"user_id": "somebody else"})
        ask(client, "I love tea", metadata={"user_id": composed}, session="t")
    assert stored_texts(gateway, user) == [FACT, ANSWER]
    assert sorted(stored_texts(gateway, f"{user} of the vault", "user")) == ["I love ramen", "I love tea"]
    assert not {"somebody else", composed}.intersection(users(gateway))


def test_turns_grow_at_their_end_only(gateway: GatewayProcess, provider: ScriptedProvider, user: str) -> None:
    tell(gateway, user)
    messages: list[Any] = []
    with sdk(gateway, user, default_headers=HEADERS) as client:
        for _, question in TURNS:
            messages.append({"role": "user", "content": question})
            reply = client.messages.create(model=MODEL, max_tokens=99, messages=messages)
            messages.append({"role": "assistant", "content": [block.model_dump() for block in reply.content]})
    check(provider, "messages")


def test_the_cached_prefix_stays_while_the_client_moves_its_marks(
    gateway: GatewayProcess, provider: ScriptedProvider, user: str
) -> None:
    """As Claude Code and most programs do: the newest message is blocks with a mark, the older ones plain again."""
    tell(gateway, user)
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A long one."}}
    said: list[tuple[str, str]] = []
    with sdk(gateway, user, default_headers=HEADERS) as client:
        for number, (_, question) in enumerate(TURNS):
            turns: list[Any] = []
            for asked, answered in said:
                turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
            if turns:
                turns[0] = {"role": "user", "content": [document | {"cache_control": MARK}, text(said[0][0])]}
            newest = [text(question, cache_control=MARK)]
            turns.append(
                {"role": "user", "content": [document | {"cache_control": MARK}, *newest] if number == 0 else newest}
            )
            reply = client.messages.create(
                model=MODEL, max_tokens=99, messages=turns, system=[text("Be kind.", cache_control=MARK)]
            )
            said.append((question, reply.content[0].text))
    sent = [request.json()["messages"] for request in provider.requests[-len(TURNS) :]]
    assert sent[-1][0]["content"][0] == document | {"cache_control": MARK}
    cached = [json.dumps(unmarked(turns)) for turns in sent]
    for before, after in pairwise(cached):
        assert after.startswith(before[:-1])
    for (fact, _), turns in zip(TURNS, sent, strict=True):
        assert fact in json.dumps(turns)
        assert turns[-1]["content"][-1]["cache_control"] == MARK
        assert "</memory-" in turns[-1]["content"][-2]["text"]


def unmarked(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Anthropic's cache compares: blocks, without the marks; a string is one block of text."""

    def blocks(content: Any) -> list[dict[str, Any]]:
        listed = [text(content)] if isinstance(content, str) else content
        return [{name: value for name, value in block.items() if name != "cache_control"} for block in listed]

    return [{"role": turn["role"], "content": blocks(turn["content"])} for turn in turns]


def test_a_session_of_claude_code(gateway: GatewayProcess, provider: ScriptedProvider, user: str) -> None:
    """Its reminders, its calls for itself, its tools: what is kept is what the person said and what was done."""
    system = [
        text("You are Claude Code, Anthropic's official CLI for Claude."),
        text("Be concise.", cache_control=MARK),
    ]
    tool = {"name": "Read", "input_schema": {"type": "object"}}
    common: dict[str, Any] = {"system": system, "tools": [tool], "session": "code"}
    with sdk(gateway, user) as client:
        ask(client, "quota", max_tokens=1)
        topic = text("Analyze if this message indicates a new conversation topic. If it does, extract a 2-3 word title")
        ask(client, "I love hiking", system=[system[0], topic])
        provider.then(Script(text="I look.", tool_calls=(ToolCall("Read", '{"file": "a.py"}', "toolu_1"),)))
        words = text("I prefer tabs over spaces in a.py", cache_control=MARK)
        reply = ask(client, REMINDER, words, **common)
        before: list[Any] = [
            {"role": "user", "content": [REMINDER, text(words["text"])]},
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]},
        ]
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": f"x = 1\n\n{REMINDER['text']}"}
        ask(client, {**result, "cache_control": MARK}, REMINDER, before=before, **common)
        assert provider.last.json()["messages"][2]["content"] == [{**result, "cache_control": MARK}, REMINDER]
        before += [{"role": "user", "content": [result, REMINDER]}, {"role": "assistant", "content": ANSWER}]
        compaction = "Your task is to create a detailed summary of the conversation so far, paying close attention to"
        ask(client, text(compaction), before=before, **common)
        ask(client, REMINDER, text("Do I prefer tabs or spaces?"), session="later", system=system)
        reminder, block, question = provider.last.json()["messages"][0]["content"]
        assert (reminder, question) == (REMINDER, text("Do I prefer tabs or spaces?"))
        assert "I prefer tabs over spaces" in block["text"]
        assert "CLAUDE.md" not in block["text"]
    kept = [words["text"], "I look.", "x = 1", ANSWER]
    assert sorted(stored_texts(gateway, user)) == sorted([*kept, "Do I prefer tabs or spaces?", ANSWER])


def test_thoughts_pass_untouched_and_are_not_kept(
    gateway: GatewayProcess, provider: ScriptedProvider, user: str
) -> None:
    thoughtful: dict[str, Any] = {"thinking": {"type": "adaptive"}, "max_tokens": 2000}
    provider.then(Script(text="42.", thinking="Let me think."))
    with sdk(gateway, user) as client:
        reply = ask(client, "What is six times seven?", **thoughtful)
        thought, _ = blocks = [block.model_dump(exclude_none=True) for block in reply.content]
        assert thought == {"type": "thinking", "thinking": "Let me think.", "signature": "scripted"}
        before = [{"role": "user", "content": "What is six times seven?"}, {"role": "assistant", "content": blocks}]
        ask(client, "And seven times six?", before=before, **thoughtful)
    assert raw_list(provider.last.body, "messages").count('"signature":"scripted"') == 1
    assert stored_texts(gateway, user) == ["What is six times seven?", "42.", "And seven times six?", ANSWER]


def test_a_stream_that_fails_is_kept_as_far_as_it_came(
    gateway: GatewayProcess, provider: ScriptedProvider, user: str
) -> None:
    provider.then(Script(text=ANSWER, cut_after=5))
    turns: list[Any] = [{"role": "user", "content": FACT}]
    with (
        sdk(gateway, user) as client,
        pytest.raises((anthropic.APIError, httpx.HTTPError)),
        client.messages.stream(model=MODEL, max_tokens=9, messages=turns) as stream,
    ):
        stream.until_done()
    said = stored_texts(gateway, user)
    assert said[0] == FACT
    assert ANSWER.startswith(said[1])
    assert len(call(gateway, "GET", f"sessions?user={user}")["data"]) == 1
