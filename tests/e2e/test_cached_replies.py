"""The response cache, with the real SDK: what is asked twice is answered once, and remembered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

from recollect.testing.scripted_provider import Script
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import GatewayProcess
from tests.e2e.speakers import Access
from tests.e2e.vaults import stored_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider

CACHING = {"RECOLLECT_RESPONSE_CACHE_IS_ON": "true", "RECOLLECT_EMBEDDER_KIND": "none"}


@pytest.fixture(scope="module")
def caching(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    running = GatewayProcess(tmp_path_factory.mktemp("caching") / "data", provider.base_url, environment=CACHING)
    running.start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()


def ask(gateway: GatewayProcess, user: str, text: str, *, is_streamed: bool) -> tuple[str, str | None]:
    """The answer that a user gets, and what ``X-Memory-Cache`` says."""
    access = Access(gateway.base_url, gateway.create_key(kind="vault", user=user), "openai/m")
    messages = [{"role": "user", "content": text}]
    with access.client() as client:
        raw = client.chat.completions.with_raw_response.create(model="openai/m", messages=messages, stream=is_streamed)
        parsed = raw.parse()
        if is_streamed:
            said = "".join(chunk.choices[0].delta.content or "" for chunk in parsed if chunk.choices)
        else:
            said = parsed.choices[0].message.content
    return said, raw.headers.get("X-Memory-Cache")


@pytest.mark.parametrize("is_streamed", [False, True])
def test_two_users_ask_the_same(caching: GatewayProcess, provider: ScriptedProvider, is_streamed: bool) -> None:
    question = f"What is the capital of France? ({is_streamed})"
    before = len(provider.requests)
    assert ask(caching, f"first {is_streamed}", question, is_streamed=is_streamed) == (ANSWER, "miss")
    assert ask(caching, f"second {is_streamed}", question, is_streamed=is_streamed) == (ANSWER, "hit")
    assert len(provider.requests) - before == 1
    for user in ("first", "second"):
        assert stored_texts(caching, f"{user} {is_streamed}") == [question, ANSWER]


def test_a_stream_that_failed_is_not_kept(caching: GatewayProcess, provider: ScriptedProvider) -> None:
    question = "What is the capital of Peru?"
    provider.then(Script(text=ANSWER, cut_after=2))
    with pytest.raises(openai.APIConnectionError):
        ask(caching, "third", question, is_streamed=True)
    assert ask(caching, "fourth", question, is_streamed=True) == (ANSWER, "miss")


def test_without_the_setting_there_is_no_header(gateway: GatewayProcess) -> None:
    assert ask(gateway, "uncached", "What is the capital of Chad?", is_streamed=False) == (ANSWER, None)
