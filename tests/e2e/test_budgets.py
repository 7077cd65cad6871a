"""What requests took, and how budgets hold: a real gateway in one process and in two, real SDKs, scripted provider."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import anthropic
import openai
import pytest

from recollect import Recollect
from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script, ScriptedProvider
from tests.e2e.gateway_process import GatewayProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOM = 40
TRIED = 64
PRICE = '{"openai/gpt-4o": {"input": 0, "output": 0, "request": 0.01}}'
LIMITS = {
    "requests": {"RECOLLECT_BUDGETS_PROJECT": f"{ROOM} requests/month"},
    "money": {"RECOLLECT_BUDGETS_USER": "0.40 usd/month", "RECOLLECT_PRICES": PRICE},
}
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    """A provider that takes its time: requests are under way together."""
    with ScriptedProvider.in_thread(Script(text="Hello yourself.", delay_s=0.05)) as running:
        yield running


def running_gateway(
    tmp_path: Path, provider: ScriptedProvider, *flags: str, **environment: str
) -> Iterator[GatewayProcess]:
    quiet = {"RECOLLECT_EMBEDDER_KIND": "none"}
    gateway = GatewayProcess(tmp_path / "data", provider.base_url, flags=flags, environment=quiet | environment)
    try:
        gateway.start()
        gateway.admin_key = gateway.create_key(kind="admin")
        yield gateway
    finally:
        gateway.terminate()


async def ask(client: openai.AsyncOpenAI, number: int) -> str:
    """One request, streamed or not, with memory or without; "" once it was answered, else the error's code."""
    headers = {"X-Memory-Mode": "off" if number % 3 else "full"}
    try:
        reply = await client.chat.completions.create(
            model="openai/gpt-4o", messages=HELLO, stream=bool(number % 2), user="alice", extra_headers=headers
        )
        if isinstance(reply, openai.AsyncStream):
            async for _ in reply:
                pass
    except openai.RateLimitError as error:
        return f"{error.code} for {error.response.headers['retry-after']}"
    return ""


async def ask_all(gateway: GatewayProcess, count: int) -> list[str]:
    async with openai.AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, max_retries=0) as client:
        return await asyncio.gather(*(ask(client, number) for number in range(count)))


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("limit", list(LIMITS))
async def test_as_many_reach_the_provider_as_a_budget_has_room_for(
    tmp_path: Path, provider: ScriptedProvider, limit: str, workers: str
) -> None:
    for gateway in running_gateway(tmp_path, provider, "--workers", workers, **LIMITS[limit]):
        codes = await ask_all(gateway, TRIED)
        assert len(provider.requests) == ROOM
        code = "budget_exceeded" if limit == "money" else "rate_limit_exceeded"
        assert codes.count("") == ROOM
        assert sum(told.startswith(f"{code} for ") for told in codes) == TRIED - ROOM
        gateway.restart()
        assert all(told.startswith(f"{code} for ") for told in await ask_all(gateway, 4))
        assert len(provider.requests) == ROOM


def usage(gateway: GatewayProcess, key: str = "", **query: str) -> dict[str, object]:
    headers = {"X-Memory-Key": key or gateway.admin_key}
    reply = httpx.get(f"{gateway.base_url}/memory/usage", params=query, headers=headers, timeout=20)
    assert reply.status_code == httpx.codes.OK, reply.text
    found: dict[str, object] = reply.json()
    return found


async def test_what_was_taken_is_told_by_the_providers_numbers(tmp_path: Path, provider: ScriptedProvider) -> None:
    environment = {"RECOLLECT_PRICES": '{"openai/gpt-4o": {"input": 10, "output": 100}}'}
    for gateway in running_gateway(tmp_path, provider, **environment):
        assert await ask_all(gateway, 4) == [""] * 4
        with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.admin_key) as client:
            client.messages.create(model="anthropic/claude-x", max_tokens=20, messages=HELLO)  # type: ignore[arg-type]
        found = usage(gateway, group_by="provider,model")
        data = found["data"]
        assert isinstance(data, list)
        assert [(line["provider"], line["model"], line["requests"]) for line in data] == [
            ("anthropic", "claude-x", 1),
            ("openai", "gpt-4o", 4),
        ]
        assert [line["estimated_requests"] for line in data] == [0, 0]
        assert data[1]["input_tokens"] == 40
        assert data[1]["output_tokens"] == 8
        assert data[1]["cost_usd"] == pytest.approx(40 * 10e-6 + 8 * 100e-6)
        assert data[0]["unpriced_requests"] == 1
        with Recollect(base_url=gateway.base_url, api_key=gateway.admin_key) as memory:
            assert memory.memory.usage(group_by="provider,model").data == data
        gateway.restart()
        again = usage(gateway, group_by="provider,model")
        assert again == found


async def test_a_key_has_limits_of_its_own_and_sees_its_own_usage(tmp_path: Path, provider: ScriptedProvider) -> None:
    for gateway in running_gateway(tmp_path, provider):
        headers = {"X-Memory-Key": gateway.admin_key}
        made = httpx.post(
            f"{gateway.base_url}/memory/keys", json={"limits": ["1 requests/day"]}, headers=headers, timeout=20
        ).json()
        assert made["limits"] == ["1 requests/day"]
        async with openai.AsyncOpenAI(base_url=gateway.base_url, api_key=made["key"], max_retries=0) as client:
            assert await ask(client, 0) == ""
            assert "rate_limit_exceeded" in await ask(client, 1)
        assert await ask_all(gateway, 2) == ["", ""]
        assert usage(gateway, made["key"])["total"]["requests"] == 1  # type: ignore[index]
        assert usage(gateway)["total"]["requests"] == 3  # type: ignore[index]
        refused = httpx.get(f"{gateway.base_url}/memory/usage?group_by=colour", headers=headers, timeout=20)
        assert refused.json()["error"]["code"] == "invalid_group"


def test_erasing_a_user_takes_the_name_out_of_the_totals(tmp_path: Path, provider: ScriptedProvider) -> None:
    for gateway in running_gateway(tmp_path, provider):
        headers = {"X-Memory-Key": gateway.admin_key, "X-Memory-User": "zacharias"}
        with openai.OpenAI(base_url=gateway.base_url, api_key="x", default_headers=headers) as client:
            client.chat.completions.create(model="openai/gpt-4o", messages=HELLO)  # type: ignore[arg-type]
        assert usage(gateway, user="zacharias")["total"]["requests"] == 1  # type: ignore[index]
        httpx.delete(f"{gateway.base_url}/memory/users/zacharias", headers=headers, timeout=20)
        assert not any(b"zacharias" in file.read_bytes() for file in gateway.data_dir.rglob("*") if file.is_file())
        assert [(line["user"], line["requests"]) for line in usage(gateway, group_by="user")["data"]] == [("", 1)]  # type: ignore[attr-defined]


def test_the_ledger_is_in_the_trace_in_stats_and_in_metrics(tmp_path: Path, provider: ScriptedProvider) -> None:
    for gateway in running_gateway(tmp_path, provider):
        headers = {"X-Memory-Key": gateway.admin_key, "X-Memory-User": "alice"}
        with openai.OpenAI(base_url=gateway.base_url, api_key="x", default_headers=headers) as client:
            for text in ("My sister's name is Leonora.", "What is my sister's name, please?"):
                asked = client.chat.completions.with_raw_response.create(
                    model="openai/gpt-4o",
                    messages=[{"role": "user", "content": text}],
                    extra_body={"session_id": text[:3]},
                )
                time.sleep(0.2)
        assert asked.headers["x-memory-status"] == "injected"
        name = asked.headers["x-memory-request-id"]
        trace = httpx.get(f"{gateway.base_url}/memory/traces/{name}", headers=headers, timeout=20).json()
        assert trace["cost"]["input_tokens"] == 10
        assert trace["ledger"]["injected_tokens"] > 0
        stats = httpx.get(f"{gateway.base_url}/memory/stats", headers=headers, timeout=20).json()
        assert stats["usage"]["memory"]["injected_tokens"] == trace["ledger"]["injected_tokens"]
        metrics = httpx.get(f"{gateway.url}/metrics", timeout=20).text
        assert f'recollect_ledger_tokens{{kind="injected"}} {trace["ledger"]["injected_tokens"]}' in metrics


def requests_in_every_dialect() -> dict[str, tuple[str, dict[str, object]]]:
    """Paths and bodies by the name of their model, which tells them apart in the totals."""
    bodies: dict[str, tuple[str, dict[str, object]]] = {"embed": ("embeddings", {"input": ["one", "two"]})}
    for name, stream in (("plain", False), ("stream", True)):
        bodies[f"chat-{name}"] = ("chat/completions", {"messages": HELLO, "stream": stream})
        bodies[f"asked-{name}"] = (
            "chat/completions",
            {"messages": HELLO, "stream": stream, **({"stream_options": {"include_usage": True}} if stream else {})},
        )
        bodies[f"responses-{name}"] = ("responses", {"input": "Hello", "stream": stream})
        bodies[f"completions-{name}"] = ("completions", {"prompt": "Hello", "stream": stream})
        bodies[f"messages-{name}"] = ("messages", {"messages": HELLO, "max_tokens": 9, "stream": stream})
    return bodies


@pytest.mark.parametrize("mode", ["full", "off"])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_every_dialect_is_counted_over_bridges_too(
    tmp_path: Path, provider: ScriptedProvider, name: str, mode: str
) -> None:
    """The scripted provider counts 10 tokens for every request, with Anthropic's cache 16, and one for every word of
    its reply."""
    provider.script = Script(text="Hello yourself.")
    for gateway in running_gateway(tmp_path, provider):
        headers = {"X-Memory-Key": gateway.admin_key, "X-Memory-Mode": mode, "Accept-Encoding": "gzip"}
        bodies = requests_in_every_dialect()
        if name == "anthropic":
            bodies = {label: body for label, body in bodies.items() if not label.startswith(("embed", "completions"))}
        for label, (path, body) in bodies.items():
            reply = httpx.post(
                f"{gateway.base_url}/{path}", json={"model": f"{name}/{label}", **body}, headers=headers, timeout=20
            )
            assert reply.status_code == httpx.codes.OK, reply.text
            if label == "chat-stream":
                assert '"choices": []' not in reply.text
        lines = usage(gateway, group_by="model")["data"]
        assert isinstance(lines, list)
        told = {line["model"]: (line["input_tokens"], line["output_tokens"]) for line in lines}
        expected = dict.fromkeys(sorted(bodies), (16 if name == "anthropic" else 10, 2)) | (
            {"embed": (2, 0)} if "embed" in bodies else {}
        )
        assert told == expected
        assert [line["model"] for line in lines if line["estimated_requests"]] == []
