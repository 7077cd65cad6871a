"""What of a conversation is kept: re-sent, retried, regenerated, edited, compressed, or not meant to be kept."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from openai import OpenAI

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script, ToolCall
from tests.e2e.answers import ANSWER
from tests.e2e.vaults import ingest, stored_texts, users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

Chat = dict[str, Any]


def asked(text: str) -> Chat:
    return {"role": "user", "content": text}


def answered(text: str) -> Chat:
    return {"role": "assistant", "content": text}


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A vault of this test's own."""
    return f"history {request.node.name}"


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[OpenAI]:
    """The SDK, unmodified."""
    with OpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, max_retries=0) as made:
        yield made


@pytest.fixture
def chat(client: OpenAI, provider: ScriptedProvider, user: str) -> Callable[..., None]:
    """Send a history, and be answered."""

    def send(*messages: Chat, answer: str, session: str = "one") -> None:
        provider.then(Script(text=answer))
        history: Any = list(messages)
        client.chat.completions.create(
            model="openai/m", messages=history, user=user, extra_headers={"X-Memory-Session": session}
        )

    return send


def test_a_history_that_is_sent_again_adds_what_is_new(
    gateway: GatewayProcess, chat: Callable[..., None], user: str
) -> None:
    chat(asked("q1"), answer="a1")
    chat(asked("q1"), answered("a1"), asked("q2"), answer="a2")
    chat(asked("q1"), answered("a1"), asked("q2"), answered("a2"), asked("q3"), answer="a3")
    assert stored_texts(gateway, user) == ["q1", "a1", "q2", "a2", "q3", "a3"]


def test_a_retry_adds_nothing(gateway: GatewayProcess, chat: Callable[..., None], user: str) -> None:
    for _ in range(3):
        chat(asked("q1"), answer="a1")
    assert stored_texts(gateway, user) == ["q1", "a1"]


def test_a_regenerated_answer_and_an_edited_question_replace_what_stood_there(
    gateway: GatewayProcess, provider: ScriptedProvider, chat: Callable[..., None], user: str
) -> None:
    start = (asked("q1"), answered("a1"))
    chat(asked("q1"), answer="a1")
    chat(*start, asked("my cat is called Tom"), answer="hello Tom")
    chat(*start, asked("my cat is called Tom"), answer="greetings to Tom")
    assert stored_texts(gateway, user)[2:] == ["my cat is called Tom", "greetings to Tom"]
    chat(*start, asked("my cat is called Kit"), answer="hello Kit")
    assert stored_texts(gateway, user)[2:] == ["my cat is called Kit", "hello Kit"]
    chat(asked("What is my cat called?"), answer="Kit", session="two")
    received = provider.last.body.decode()
    assert "my cat is called Kit" in received
    assert "called Tom" not in received


def test_a_client_that_sends_only_its_newest_message_is_reminded_of_the_session(
    provider: ScriptedProvider, chat: Callable[..., None]
) -> None:
    chat(asked("Let us meet at noon at the blue gate."), answer="Fine.")
    chat(asked("And bring a rope?"), answer="Yes.")
    assert "blue gate" in provider.last.body.decode()


def test_two_chats_at_once_without_names_lose_nothing(
    gateway: GatewayProcess, client: OpenAI, provider: ScriptedProvider, user: str
) -> None:
    chats: dict[str, list[Any]] = {"a": [], "b": []}
    said = [
        ("a", "I like apples"),
        ("b", "I am allergic to bananas"),
        ("a", "I like avocados"),
        ("a", "I like apricots"),
        ("b", "I like berries"),
    ]
    for number, (name, text) in enumerate(said):
        chats[name].append(asked(text))
        provider.then(Script(text=f"answer {number}"))
        reply = client.chat.completions.create(model="openai/m", messages=chats[name], user=user)
        chats[name].append(answered(reply.choices[0].message.content or ""))
        stored = stored_texts(gateway, user)
        assert sorted(stored) == sorted(
            [text for _, text in said[: number + 1]] + [f"answer {n}" for n in range(number + 1)]
        )


def test_every_way_to_keep_something_out(
    gateway: GatewayProcess, client: OpenAI, user: str, provider: ScriptedProvider
) -> None:
    kept = {"all": ["q all", ANSWER], "input": ["q input"], "response": [ANSWER], "none": []}
    for scope, expected in kept.items():
        client.chat.completions.create(
            model="openai/m",
            messages=[{"role": "user", "content": f"q {scope}"}],
            user=f"{user} {scope}",
            extra_headers={"X-Memory-Store": scope},
        )
        assert stored_texts(gateway, f"{user} {scope}") == expected
    secret: Any = [{"role": "user", "content": "a secret", "memory": False}]
    client.chat.completions.create(model="openai/m", messages=secret, user=user)
    assert provider.last.json()["messages"] == [{"role": "user", "content": "a secret"}]
    assert stored_texts(gateway, user) == [ANSWER]


def test_a_title_for_the_chat_is_no_memory(gateway: GatewayProcess, client: OpenAI, user: str) -> None:
    messages: Any = [
        {"role": "system", "content": "You are a title generator. Answer with a title of five words."},
        asked("Generate a title for: hiking in the Alps"),
    ]
    client.chat.completions.create(model="openai/m", messages=messages, user=user)
    assert user not in users(gateway)


def test_a_tool_call_and_several_choices_are_kept_once(
    gateway: GatewayProcess, client: OpenAI, provider: ScriptedProvider, user: str
) -> None:
    provider.then(Script(text="", tool_calls=(ToolCall("get_weather", '{"place": "Oslo"}'),)))
    client.chat.completions.create(model="openai/m", messages=[{"role": "user", "content": "weather?"}], user=user)
    assert len(stored_texts(gateway, user)) == 2
    client.chat.completions.create(
        model="openai/m", messages=[{"role": "user", "content": "twice"}], user=f"{user} n", n=2
    )
    assert stored_texts(gateway, f"{user} n") == ["twice", ANSWER]


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_compressed_request_is_understood(
    gateway: GatewayProcess,
    provider: ScriptedProvider,
    user: str,
    encoding: str,
    compress: Callable[[bytes], bytes],
) -> None:
    body = json.dumps({"model": "openai/m", "messages": [asked("compressed")], "user": user}).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Encoding": encoding,
        "Authorization": f"Bearer {gateway.admin_key}",
    }
    reply = httpx.post(f"{gateway.base_url}/chat/completions", content=compress(body), headers=headers, timeout=30)
    assert reply.status_code == 200
    assert provider.last.json()["messages"] == [asked("compressed")]
    assert stored_texts(gateway, user) == ["compressed", ANSWER]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_compressed_reply_is_understood(
    gateway: GatewayProcess, provider: ScriptedProvider, user: str, encoding: Any
) -> None:
    provider.then(Script(text=ANSWER, encoding=encoding), Script(text=ANSWER, encoding=encoding))
    for number, is_streamed in enumerate((False, True)):
        body = {"model": "openai/m", "messages": [asked(f"q{number}")], "user": user, "stream": is_streamed}
        reply = httpx.post(
            f"{gateway.base_url}/chat/completions",
            json=body,
            headers={
                "Authorization": f"Bearer {gateway.admin_key}",
                "Accept-Encoding": "gzip, deflate, br, zstd",
                "X-Memory-Session": str(number),
            },
            timeout=30,
        )
        # the event with the count, which was asked for, is taken out of the stream: it passes decoded
        assert reply.headers.get("content-encoding") == (None if is_streamed else encoding)
        assert reply.status_code == 200
        assert '"choices": []' not in reply.text
    assert sorted(stored_texts(gateway, user)) == sorted(["q0", ANSWER, "q1", ANSWER])


def test_nothing_crosses_vaults_or_projects(
    gateway: GatewayProcess, client: OpenAI, provider: ScriptedProvider
) -> None:
    said: Any = [asked("The code of the safe is 4711.")]
    client.chat.completions.create(model="openai/m", messages=said, user="vault one")
    question: Any = [asked("What is the code of the safe?")]
    client.chat.completions.create(model="openai/m", messages=question, user="vault two")
    assert "4711" not in provider.last.body.decode()
    project = {"X-Memory-Project": "another"}
    client.chat.completions.create(model="openai/m", messages=question, user="vault one", extra_headers=project)
    assert "4711" not in provider.last.body.decode()
    other = gateway.create_key(kind="vault", user="vault three")
    client.with_options(api_key=other).chat.completions.create(model="openai/m", messages=question)
    assert "4711" not in provider.last.body.decode()
    headers = {"X-Memory-Session": "later"}
    client.chat.completions.create(model="openai/m", messages=question, user="vault one", extra_headers=headers)
    assert "4711" in provider.last.body.decode()


def test_what_the_provider_holds_itself_is_not_sent_again(
    gateway: GatewayProcess, client: OpenAI, provider: ScriptedProvider, user: str
) -> None:
    first = client.responses.create(model="openai/m", input="My name is Alice and I live in Oslo", user=user)
    follow_up = "In which town do I live?"
    client.responses.create(model="openai/m", input=follow_up, previous_response_id=first.id, user=user)
    assert provider.last.json()["input"] == follow_up
    client.responses.create(model="openai/m", input="I live in Oslo", conversation="conv_1", user=f"{user} 2")
    client.responses.create(model="openai/m", input=follow_up, conversation="conv_1", user=f"{user} 2")
    assert provider.last.json()["input"] == follow_up
    client.responses.create(model="openai/m", input=follow_up, conversation="conv_2", user=f"{user} 2")
    assert "I live in Oslo" in provider.last.body.decode()
    assert stored_texts(gateway, user) == ["My name is Alice and I live in Oslo", ANSWER, follow_up, ANSWER]


def test_a_memory_is_shown_once_to_a_provider_that_keeps_the_conversation(
    gateway: GatewayProcess, client: OpenAI, provider: ScriptedProvider, user: str
) -> None:
    ingest(gateway, user, [asked("I live in Oslo, in a house by the harbour.")], session_id="earlier")
    question = "In which town do I live?"
    first = client.responses.create(
        model="openai/m", input=question, user=user, extra_headers={"X-Memory-Session": "now"}
    )
    assert "harbour" in provider.last.body.decode()
    again = "And where exactly do I live?"
    second = client.responses.create(model="openai/m", input=again, previous_response_id=first.id, user=user)
    assert provider.last.json()["input"] == again
    client.responses.create(model="openai/m", input=question, previous_response_id=second.id, user=user)
    assert provider.last.json()["input"] == question
    for text in (question, again):
        client.responses.create(model="openai/m", input=text, conversation="conv_shown", user=user)
    assert "harbour" not in provider.last.body.decode()
