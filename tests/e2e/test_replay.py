"""The same request with other memory, the answers side by side; and what is kept for that is erased with its user."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from recollect import AsyncRecollect, Recollect
from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Received, Script
from tests.e2e.gateway_process import UPSTREAM_KEY, GatewayProcess
from tests.e2e.speakers import SPEAKERS, Access
from tests.e2e.vaults import call, ingest, stored_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider

KEEPING = {"RECOLLECT_TRACES_KEEP_BODIES": "true", "RECOLLECT_EMBEDDER_KIND": "none"}
FACT = "I love hiking in the Dolomites"
ASKED = "Where do I love hiking?"
SURFACES = ("python chat", "python chat stream", "python responses", "python responses stream")
SECRET = "zzqx-marmalade-9471"


def knows(request: Received) -> str:
    """An answer that shows what the provider was told."""
    return "In the Dolomites." if b"Dolomites" in request.body else "I do not know."


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    before, provider.script = provider.script, Script(text=knows)
    running = GatewayProcess(tmp_path_factory.mktemp("keeping") / "data", provider.base_url, environment=KEEPING)
    running.start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()
    provider.script = before


def asked(gateway: GatewayProcess, user: str, surface: str = "python chat", text: str = ASKED) -> dict[str, Any]:
    """Have somebody ask who has told the fact before; the request, as the log has it."""
    ingest(gateway, user, [{"role": "user", "content": FACT}], session_id="earlier")
    key = gateway.create_key(kind="vault", user=user)
    SPEAKERS[surface](Access(gateway.base_url, key, "openai/m"), text)
    return newest(gateway, user)


def newest(gateway: GatewayProcess, user: str) -> dict[str, Any]:
    found: dict[str, Any] = call(gateway, "GET", f"requests?user={user}&limit=1")["data"][0]
    return found


@pytest.mark.parametrize("surface", SURFACES)
def test_answers_with_and_without_memory_side_by_side(
    keeping: GatewayProcess, provider: ScriptedProvider, surface: str
) -> None:
    user = f"replayed-{surface.replace(' ', '-')}"
    request = asked(keeping, user, surface)
    before = stored_texts(keeping, user)
    ways = ["none", "current", "then", {"max_tokens": 0}, {"strategy": "low_latency"}]
    replay = call(keeping, "POST", "replay", {"request_id": request["id"], "with": ways})
    assert replay["request"]["id"] == request["id"]
    assert replay["original"]["text"] == "In the Dolomites."
    answers = replay["answers"]
    assert [one["with"] for one in answers] == ways
    assert [one["status"] for one in answers] == [200] * 5
    told = [one["text"] for one in answers]
    assert told == ["I do not know.", "In the Dolomites.", "In the Dolomites.", "I do not know.", "In the Dolomites."]
    assert answers[0]["memory"]["status"] == "off"
    assert answers[1]["memory"]["status"] == "injected"
    assert FACT in answers[1]["memory"]["injected"]
    assert answers[1]["memory"]["memories"][0]["text"] == FACT
    assert answers[1]["usage"]["input_tokens"] > 0
    assert stored_texts(keeping, user) == before
    assert newest(keeping, user)["id"] == request["id"]


def test_the_python_client_asks_the_same(keeping: GatewayProcess) -> None:
    user = "replayed-in-python"
    request = asked(keeping, user)
    with Recollect(base_url=keeping.base_url, api_key=keeping.admin_key) as client:
        page = client.memory.requests(user=user, status="2xx", limit=1)
        assert [one["id"] for one in page.data] == [request["id"]]
        assert client.memory.request(request["id"]).memory["count"] == 1
        answers = client.memory.replay(request["id"], ["none", {"max_tokens": 500}]).answers
    assert [one["text"] for one in answers] == ["I do not know.", "In the Dolomites."]


async def test_the_awaited_client_asks_the_same(keeping: GatewayProcess) -> None:
    request = await asyncio.to_thread(asked, keeping, "replayed-awaited")
    async with AsyncRecollect(base_url=keeping.base_url, api_key=keeping.admin_key) as client:
        page = await client.memory.requests(user="replayed-awaited", from_="2020-01-01T00:00:00Z")
        assert [one["id"] for one in page.data] == [request["id"]]
        assert (await client.memory.request(request["id"])).status == 200
        replay = await client.memory.replay(request["id"])
    assert [one["with"] for one in replay.answers] == ["none", "current"]


def test_its_own_answer_does_not_come_up(keeping: GatewayProcess, provider: ScriptedProvider) -> None:
    request = asked(keeping, "replayed-own")
    replay = call(keeping, "POST", "replay", {"request_id": request["id"], "with": ["current"]})
    assert "In the Dolomites." not in replay["answers"][0]["memory"]["injected"]


def test_no_credential_is_kept_and_the_caller_s_own_is_used(
    keeping: GatewayProcess, provider: ScriptedProvider
) -> None:
    user = "replayed-forward"
    ingest(keeping, user, [{"role": "user", "content": FACT}], session_id="earlier")
    key = keeping.create_key(kind="vault", user=user)
    headers = {"X-Memory-Key": key, "Authorization": "Bearer sk-client-secret"}
    body = {"model": "m", "messages": [{"role": "user", "content": ASKED}]}
    url = f"{keeping.forward_url}/chat/completions"
    assert httpx.post(url, json=body, headers=headers).status_code == 200
    request = newest(keeping, user)
    database = (keeping.data_dir / "recollect.db").read_bytes() + (keeping.data_dir / "recollect.db-wal").read_bytes()
    assert b"sk-client-secret" not in database
    assert key.encode() not in database
    assert UPSTREAM_KEY.encode() not in database
    reply = httpx.post(
        f"{keeping.base_url}/memory/replay",
        json={"request_id": request["id"], "with": ["current"]},
        headers={"X-Memory-Key": keeping.admin_key, "X-Provider-Key": "sk-another"},
    )
    assert reply.json()["answers"][0]["text"] == "In the Dolomites."
    assert provider.last.header("authorization") == "Bearer sk-another"


def test_an_upstream_that_fails_is_told_in_its_place(keeping: GatewayProcess, provider: ScriptedProvider) -> None:
    request = asked(keeping, "replayed-failing")
    provider.then(Script(status=404))
    replay = call(keeping, "POST", "replay", {"request_id": request["id"], "with": ["none"]})
    assert replay["answers"][0]["status"] == 404
    assert replay["answers"][0]["text"] == ""


@pytest.mark.parametrize(
    "controls", [{"X-Memory-Mode": "off"}, {"X-Memory-Mode": "read"}, {"X-Memory-Store": "input"}], ids=str
)
def test_what_is_not_stored_is_not_kept_either(keeping: GatewayProcess, controls: dict[str, str]) -> None:
    user = f"unkept-{'-'.join(controls.values())}"
    ingest(keeping, user, [{"role": "user", "content": FACT}])
    headers = {"X-Memory-Key": keeping.admin_key, "X-Memory-User": user, **controls}
    body = {"model": "openai/m", "messages": [{"role": "user", "content": f"{SECRET} {user}"}]}
    assert httpx.post(f"{keeping.base_url}/chat/completions", json=body, headers=headers).status_code == 200
    request = newest(keeping, user)
    refused = httpx.post(
        f"{keeping.base_url}/memory/replay",
        json={"request_id": request["id"]},
        headers={"X-Memory-Key": keeping.admin_key},
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bodies_not_kept")


def files_with(gateway: GatewayProcess, text: str) -> list[str]:
    """The gateway's files that hold a text anywhere."""
    found = (path for path in gateway.data_dir.rglob("*") if path.is_file() and text.encode() in path.read_bytes())
    return sorted(path.name for path in found)


def test_erasing_a_user_leaves_no_byte_of_what_was_kept(keeping: GatewayProcess) -> None:
    user, secret = "kept-and-erased", "wwqx-elderflower-2207"
    request = asked(keeping, user, text=f"Remember {secret}, would you?")
    call(keeping, "POST", "replay", {"request_id": request["id"]})
    assert files_with(keeping, secret)
    call(keeping, "DELETE", f"users/{user}")
    assert files_with(keeping, secret) == []
    assert call(keeping, "GET", f"requests?user={user}")["data"] == []


def test_deleting_a_message_leaves_no_byte_of_it(keeping: GatewayProcess) -> None:
    user, secret = "kept-and-deleted", "qqvx-gooseberry-1138"
    asked(keeping, user, text=f"Remember {secret}, would you?")
    found = call(keeping, "GET", f"memories?user={user}&kind=passage&limit=100")["data"]
    (message,) = [one["id"] for one in found if secret in one["text"]]
    call(keeping, "DELETE", f"memories/{message}?user={user}")
    assert files_with(keeping, secret) == []


def test_without_the_setting_nothing_is_kept(gateway: GatewayProcess) -> None:
    request = asked(gateway, "unkept")
    refused = httpx.post(
        f"{gateway.base_url}/memory/replay",
        json={"request_id": request["id"], "with": ["none"]},
        headers={"X-Memory-Key": gateway.admin_key},
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bodies_not_kept")
    assert "traces.keep_bodies" in refused.json()["error"]["message"]
