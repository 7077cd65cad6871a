"""Clients that leave, providers that break off, and a gateway that is told to stop."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import openai
import pytest
from openai import OpenAI

from recollect.testing.scripted_provider import Script
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import GatewayProcess
from tests.e2e.vaults import eventually, stored_texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recollect.testing.scripted_provider import ScriptedProvider


def client_of(gateway: GatewayProcess) -> OpenAI:
    return OpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, max_retries=0, timeout=30)


def test_a_client_that_leaves_cancels_the_upstream_call_and_what_came_is_kept(
    gateway: GatewayProcess, provider: ScriptedProvider
) -> None:
    provider.then(Script(text=ANSWER, pieces=50, delay_s=0.2))
    with client_of(gateway) as client:
        stream = client.chat.completions.create(
            model="openai/m", messages=[{"role": "user", "content": "tell me"}], user="leaver", stream=True
        )
        first = next(
            chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content
        )
        stream.close()
    assert provider.last.left.wait(10)
    assert eventually(lambda: len(stored_texts(gateway, "leaver")) == 2)
    assert stored_texts(gateway, "leaver") == ["tell me", first]


def test_a_client_that_leaves_before_the_first_byte_cancels_the_upstream_call(
    gateway: GatewayProcess, provider: ScriptedProvider
) -> None:
    provider.then(Script(hang="before_head"))
    with client_of(gateway) as client, pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(
            model="openai/m", messages=[{"role": "user", "content": "tell me"}], user="early leaver"
        )
    assert provider.last.left.wait(10)


@pytest.mark.parametrize("mode", ["full", "off"])
@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_provider_that_breaks_off_is_seen_as_such(
    gateway: GatewayProcess, provider: ScriptedProvider, mode: str, is_streamed: bool
) -> None:
    user = f"broken {mode} {is_streamed}"
    provider.then(Script(text=ANSWER, cut_after=3))
    messages = [{"role": "user", "content": "tell me"}]
    client = client_of(gateway).with_options(default_headers={"X-Memory-Mode": mode})
    with client, pytest.raises(openai.APIConnectionError):
        list(client.chat.completions.create(model="openai/m", messages=messages, user=user, stream=is_streamed))  # type: ignore[call-overload]
    if mode == "full":
        assert eventually(lambda: "tell me" in stored_texts(gateway, user))


def test_a_provider_that_cannot_be_reached_is_a_502(tmp_path: Path) -> None:
    running = GatewayProcess(
        tmp_path / "data", "http://127.0.0.1:9/v1", environment={"RECOLLECT_EMBEDDER_KIND": "none"}
    ).start()
    with (
        OpenAI(base_url=running.base_url, api_key="none", max_retries=0) as client,
        pytest.raises(openai.InternalServerError) as refused,
    ):
        client.chat.completions.create(model="openai/m", messages=[{"role": "user", "content": "hi"}])
    assert (refused.value.status_code, refused.value.code) == (502, "upstream_unreachable")
    running.kill()


@pytest.fixture
def own_gateway(tmp_path: Path, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    """A gateway of this test's own."""
    running = GatewayProcess(
        tmp_path / "data", provider.base_url, environment={"RECOLLECT_EMBEDDER_KIND": "none"}
    ).start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()


def test_sigterm_lets_running_replies_end(own_gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    provider.then(Script(text=ANSWER, pieces=20, delay_s=0.03))
    with client_of(own_gateway) as client:
        stream = client.chat.completions.create(
            model="openai/m", messages=[{"role": "user", "content": "tell me"}], user="alice", stream=True
        )
        pieces = (chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        text = next(piece for piece in pieces if piece)
        codes: list[int] = []
        stopping = threading.Thread(target=lambda: codes.append(own_gateway.terminate()))
        stopping.start()
        text += "".join(pieces)
        stopping.join()
    assert text == ANSWER
    assert codes[0] in {0, -signal.SIGTERM}
    own_gateway.start()
    assert stored_texts(own_gateway, "alice") == ["tell me", ANSWER]
