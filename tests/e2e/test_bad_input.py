"""What bad input gets: OpenAI's error body, the right status and code, the field at fault, and nothing stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import OpenAI

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script
from tests.e2e.gateway_process import GatewayProcess
from tests.e2e.vaults import call, users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider

USER = "bad input"
SAID = {"role": "user", "content": "hi"}
DATED = {**SAID, "occurred_at": "x"}
CHAT: dict[str, Any] = {"model": "openai/m", "messages": [SAID], "user": USER}
RESPONSE: dict[str, Any] = {"model": "openai/m", "input": "hi", "user": USER}
INGEST: dict[str, Any] = {"user": USER, "messages": [SAID]}
RECALLR = {"X-Recallr-User-Id": USER}

BODIES: list[tuple[str, Any, int, str, str | None]] = [
    ("chat/completions", b'{"model": "openai/m", "messages": [', 400, "invalid_json", None),
    ("chat/completions", b"[]", 400, "invalid_json", None),
    ("chat/completions", {**CHAT, "messages": "hi"}, 400, "invalid_type", "messages"),
    ("chat/completions", {**CHAT, "messages": [7]}, 400, "invalid_type", "messages[0]"),
    ("chat/completions", {**CHAT, "model": "nobody/m"}, 400, "unknown_provider", "model"),
    ("chat/completions", {**CHAT, "limit": -1}, 400, "invalid_number", "limit"),
    ("chat/completions", {**CHAT, "memory_mode": "loud"}, 400, "invalid_mode", "memory_mode"),
    ("chat/completions", {**CHAT, "as_of": "yesterday"}, 400, "invalid_time", "as_of"),
    ("chat/completions", {**CHAT, "filters": "sport"}, 400, "invalid_filters", "filters"),
    ("chat/completions", {**CHAT, "user_id": 7}, 400, "invalid_user", "user_id"),
    ("responses", {**RESPONSE, "input": 7}, 400, "invalid_type", "input"),
    ("responses", {**RESPONSE, "memory_max_tokens": -5}, 400, "invalid_number", "memory_max_tokens"),
    ("memory/ingest", {**INGEST, "messages": []}, 400, "invalid_type", "messages"),
    ("memory/ingest", {"user": USER}, 400, "missing_field", "messages"),
    ("memory/ingest", {**INGEST, "messages": [{**SAID, "role": "judge"}]}, 400, "invalid_role", "messages[0].role"),
    ("memory/ingest", {**INGEST, "messages": [DATED]}, 400, "invalid_time", "messages[0].occurred_at"),
    ("memory/ingest", {**INGEST, "wait": "yes"}, 400, "invalid_boolean", "wait"),
    ("memory/search", {"user": USER, "query": "hi", "limit": -3}, 400, "invalid_number", "limit"),
    ("memory/search", {"user": USER, "query": "hi", "strategy": "psychic"}, 400, "invalid_strategy", "strategy"),
    ("memory/search", {"user": USER, "query": "hi", "from": "x"}, 400, "invalid_time", "from"),
    ("memory/search", {"user": USER}, 400, "missing_field", "query"),
    ("memory/prepare", {"user": USER}, 400, "missing_field", "messages"),
]  # fmt: skip
HEADERS: list[tuple[dict[str, str], int, str, str | None]] = [
    ({"X-Memory-Strategy": "psychic"}, 400, "invalid_strategy", "X-Memory-Strategy"),
    ({"X-Memory-Mode": "loud"}, 400, "invalid_mode", "X-Memory-Mode"),
    ({"X-Memory-Max-Top-K": "-1"}, 400, "invalid_number", "X-Memory-Max-Top-K"),
    ({"X-Memory-Threshold": "7"}, 400, "invalid_number", "X-Memory-Threshold"),
    ({"X-Memory-Timezone": "Mars/Olympus"}, 400, "invalid_timezone", "X-Memory-Timezone"),
    ({"X-Memory-As-Of": "soon"}, 400, "invalid_time", "X-Memory-As-Of"),
    ({"X-Memory-Create-User": "false"}, 404, "user_not_found", "user"),
    (RECALLR, 404, "user_not_found", "user"),
    (
        {**RECALLR, "X-Recallr-Allow-New-User-Creation": "true", "X-Recallr-Session-Timeout-Seconds": "599"},
        400,
        "invalid_session_timeout",
        "X-Recallr-Session-Timeout-Seconds",
    ),
    ({"Content-Encoding": "rot13"}, 415, "unsupported_content_encoding", "content-encoding"),
]
FORWARDS: list[tuple[str, int, str]] = [
    ("http://169.254.169.254/latest", 403, "upstream_not_allowed"),
    ("http://127.0.0.1:1/v1", 403, "upstream_not_allowed"),
    ("http://localhost:1/v1", 403, "upstream_not_allowed"),
    ("http://10.0.0.1/v1", 403, "upstream_not_allowed"),
    ("http://[::1]:1/v1", 403, "upstream_not_allowed"),
    ("http://2130706433/v1", 403, "upstream_not_allowed"),
    ("https://evil.example/v1", 403, "upstream_not_allowed"),
    ("file:///etc/passwd", 400, "invalid_forward_url"),
    ("ftp://api.openai.com/v1", 400, "invalid_forward_url"),
    ("https://user:secret@api.openai.com/v1", 400, "invalid_forward_url"),
    ("https://", 400, "invalid_forward_url"),
]


@pytest.fixture(scope="module")
def small_gateway(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    """A gateway that takes small bodies only."""
    folder = tmp_path_factory.mktemp("small")
    limits = {"RECOLLECT_LIMITS_MAX_BODY_BYTES": "4096", "RECOLLECT_EMBEDDER_KIND": "none"}
    running = GatewayProcess(folder / "data", provider.base_url, environment=limits).start()
    yield running
    running.kill()


def post(url: str, body: object, headers: dict[str, str]) -> httpx.Response:
    content = body if isinstance(body, bytes) else None
    headers = {"Content-Type": "application/json", **headers}
    if content is None:
        return httpx.post(url, json=body, headers=headers, timeout=30)
    return httpx.post(url, content=content, headers=headers, timeout=30)


def check(reply: httpx.Response, status: int, code: str, param: str | None) -> None:
    """OpenAI's envelope."""
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"]
    assert reply.headers["X-Memory-Request-Id"]


@pytest.mark.parametrize(("path", "body", "status", "code", "param"), BODIES)
def test_bodies(
    gateway: GatewayProcess, provider: ScriptedProvider, path: str, body: Any, status: int, code: str, param: str | None
) -> None:
    before = len(provider.requests)
    check(post(f"{gateway.base_url}/{path}", body, {"X-Memory-Key": gateway.admin_key}), status, code, param)
    assert len(provider.requests) == before
    assert USER not in users(gateway)


@pytest.mark.parametrize(("headers", "status", "code", "param"), HEADERS)
def test_headers(
    gateway: GatewayProcess,
    provider: ScriptedProvider,
    headers: dict[str, str],
    status: int,
    code: str,
    param: str | None,
) -> None:
    before = len(provider.requests)
    check(
        post(f"{gateway.base_url}/chat/completions", CHAT, {"X-Memory-Key": gateway.admin_key, **headers}),
        status,
        code,
        param,
    )
    assert len(provider.requests) == before
    assert USER not in users(gateway)


@pytest.mark.parametrize(("target", "status", "code"), FORWARDS)
def test_forward_urls(gateway: GatewayProcess, target: str, status: int, code: str) -> None:
    url = f"{gateway.url}/forward/{target}/chat/completions"
    check(post(url, CHAT, {"X-Memory-Key": gateway.admin_key, "Authorization": "Bearer sk"}), status, code, None)
    assert USER not in users(gateway)


def test_redirects_are_not_followed(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    provider.then(Script(status=307, raw=b"", headers=(("location", "http://169.254.169.254/latest"),)))
    url = f"{gateway.forward_url}/chat/completions"
    reply = post(url, CHAT, {"X-Memory-Key": gateway.admin_key, "Authorization": "Bearer sk"})
    check(reply, 502, "upstream_redirected", None)
    assert len(provider.requests) == before + 1
    assert USER not in users(gateway)


def test_bodies_over_the_limit(small_gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    body = {**CHAT, "messages": [{"role": "user", "content": "x" * 5000}]}
    check(post(f"{small_gateway.base_url}/chat/completions", body, {}), 413, "payload_too_large", None)
    assert len(provider.requests) == before
    small = {**CHAT, "messages": [{"role": "user", "content": "x" * 500}]}
    assert post(f"{small_gateway.base_url}/chat/completions", small, {}).status_code == 200


def test_keys_that_are_wrong_revoked_or_of_the_wrong_kind(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    chat = f"{gateway.base_url}/chat/completions"
    check(post(chat, CHAT, {}), 401, "missing_api_key", None)
    check(post(chat, CHAT, {"Authorization": f"Bearer mk_{'A' * 43}"}), 401, "invalid_api_key", None)
    check(post(chat, CHAT, {"Authorization": "Bearer mk_short"}), 401, "invalid_api_key", None)
    check(post(chat, CHAT, {"Authorization": f"Bearer {gateway.admin_key}:loud"}), 401, "invalid_key_suffix", None)
    revoked = gateway.create_key(kind="client", name="to be revoked")
    (entry,) = [key for key in call(gateway, "GET", "keys")["data"] if key["name"] == "to be revoked"]
    call(gateway, "DELETE", f"keys/{entry['id']}")
    check(post(chat, CHAT, {"Authorization": f"Bearer {revoked}"}), 401, "revoked_api_key", None)
    client = gateway.create_key(kind="client")
    keys = f"{gateway.base_url}/memory/keys"
    check(post(keys, {"kind": "client"}, {"Authorization": f"Bearer {client}"}), 403, "admin_key_required", None)
    vault = gateway.create_key(kind="vault", user="somebody else")
    check(post(chat, CHAT, {"Authorization": f"Bearer {vault}"}), 403, "wrong_user", "user")
    assert len(provider.requests) == before
    assert USER not in users(gateway)


def test_sdks_raise_their_own_exceptions(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    with OpenAI(base_url=gateway.base_url, api_key=f"mk_{'A' * 43}", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            client.chat.completions.create(model="openai/m", messages=CHAT["messages"])
        assert refused.value.code == "invalid_api_key"
    with OpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as unknown:
            client.chat.completions.create(model="nobody/m", messages=CHAT["messages"])
        assert (unknown.value.code, unknown.value.param) == ("unknown_provider", "model")
        body = {"error": {"message": "Slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
        provider.then(Script(status=429, raw=json.dumps(body).encode(), headers=(("retry-after", "77"),)))
        with pytest.raises(openai.RateLimitError) as limited:
            client.chat.completions.create(model="openai/m", messages=CHAT["messages"])
        assert limited.value.response.json() == body
        assert limited.value.response.headers["retry-after"] == "77"
