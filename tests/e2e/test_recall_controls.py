"""Every control of recall, in every spelling, changes what is injected: seen in what the provider receives."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from recollect.client.http_flavour import httpx
from recollect.wire.memory_block import INSTRUCTIONS
from tests.e2e.gateway_process import GatewayProcess
from tests.e2e.vaults import call, eventually, ingest
from tests.unit.recall.rooms import FILLER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider

USER = "anna"
RELATED = "Which violin did I buy?"
UNRELATED = "What is the boiling point of ethanol?"
VIOLIN = "I bought a violin from Cremona."
SOLD = "I sold the violin from Cremona."
LATE = "Good night, the lamp is out."
QUIET_S = "1"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the provider received, and what the gateway said of it."""

    text: str
    headers: Any
    trace: dict[str, Any]

    @property
    def count(self) -> int:
        return int(self.headers["x-memory-count"])


@dataclass(frozen=True)
class Asker:
    """Asks as the user of a vault that holds more than a block takes."""

    gateway: GatewayProcess
    provider: ScriptedProvider
    key: str
    sessions: list[str] = field(default_factory=list)

    def ask(self, question: str, headers: dict[str, str] | None = None, **body: Any) -> Sent:
        """A request that leaves nothing in the vault."""
        fields = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": question}], **body}
        sent = {"Authorization": f"Bearer {self.key}", "X-Memory-Mode": "read", **(headers or {})}
        reply = httpx.post(f"{self.gateway.base_url}/chat/completions", json=fields, headers=sent, timeout=60)
        assert reply.status_code == 200, reply.text
        content = self.provider.last.json()["messages"][-1]["content"]
        trace = call(self.gateway, "GET", f"traces/{reply.headers['x-memory-request-id']}")
        return Sent(content.removesuffix(question), reply.headers, trace)

    def prepare(self, question: str, headers: dict[str, str] | None = None, **body: Any) -> str:
        """The block that ``prepare`` makes."""
        fields = {"messages": [{"role": "user", "content": question}], **body}
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        reply = httpx.post(f"{self.gateway.base_url}/memory/prepare", json=fields, headers=sent, timeout=60)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["context"])


def said(*texts: str, day: str, metadata: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": text, "occurred_at": f"{day}:{number:02}Z", "metadata": metadata or {}}
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[Asker]:
    """Recall by words alone, so that it is the control and no model that decides."""
    environment = {"RECOLLECT_EMBEDDER_KIND": "none", "RECOLLECT_RECALL_SESSION_TIMEOUT_S": QUIET_S}
    gateway = GatewayProcess(tmp_path_factory.mktemp("controls") / "data", provider.base_url, environment=environment)
    gateway.start()
    try:
        gateway.admin_key = gateway.create_key(kind="admin")
        ingest(gateway, USER, said(VIOLIN, "I need a bow.", day="2026-02-03T23:30"), session_id="bought")
        ingest(gateway, USER, said(*FILLER[:55], day="2026-02-10T10:00"), session_id="notes 1")
        ingest(gateway, USER, said(*FILLER[55:110], day="2026-02-11T10:00"), session_id="notes 2")
        music = said(SOLD, day="2026-03-05T10:00", metadata={"topic": "music"})
        ingest(gateway, USER, music, session_id="sold")
        ingest(gateway, USER, said("I painted the kitchen blue.", LATE, day="2026-03-06T10:00"), session_id="last")
        key = gateway.create_key(kind="vault", user=USER)
        assert eventually(lambda: call(gateway, "GET", f"stats?user={USER}")["sessions_due"] == 0)
        yield Asker(gateway, provider, key)
    finally:
        gateway.kill()


def spelt(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)


@spelt("X-Memory-Strategy", "X-Recallr-Recall-Strategy")
@pytest.mark.parametrize("strategy", ["low_latency", "balanced"])
def test_strategy(asker: Asker, name: str, strategy: str) -> None:
    assert asker.ask(RELATED, {name: strategy}).trace["recall"]["strategy"] == strategy


@pytest.mark.parametrize("budget", [90, 130])
def test_max_tokens(asker: Asker, budget: int) -> None:
    in_header = asker.ask(RELATED, {"X-Memory-Max-Tokens": str(budget)})
    assert 0 < int(in_header.headers["x-memory-tokens"]) <= budget
    assert len(in_header.text) < len(asker.ask(RELATED).text)
    assert asker.ask(RELATED, memory_max_tokens=budget).text == in_header.text


@spelt("X-Memory-Min-Top-K", "X-Recallr-Min-Top-K")
def test_min_top_k(asker: Asker, name: str) -> None:
    assert asker.ask(UNRELATED).count == 0
    assert asker.ask(UNRELATED, {name: "3"}).count == 3


@spelt("X-Memory-Max-Top-K", "X-Recallr-Max-Top-K", "X-Memory-Context-Limit")
def test_max_top_k(asker: Asker, name: str) -> None:
    assert asker.ask(RELATED).count > 1
    assert asker.ask(RELATED, {name: "1"}).count == 1


@spelt("X-Memory-Threshold", "X-Recallr-Memories-Threshold")
def test_threshold(asker: Asker, name: str) -> None:
    assert asker.ask(RELATED, {name: "1"}).headers["x-memory-status"] == "empty"
    assert asker.ask(UNRELATED, {name: "0"}).headers["x-memory-status"] == "injected"


@spelt("X-Memory-Summaries-Threshold", "X-Recallr-Summaries-Threshold")
def test_summaries_threshold(asker: Asker, name: str) -> None:
    assert "Earlier sessions:" in asker.ask(RELATED, {name: "0.05"}).text
    assert "Earlier sessions:" not in asker.ask(RELATED, {name: "1"}).text
    assert "Earlier sessions:" not in asker.ask(RELATED).text


@spelt("X-Memory-Last-N-Messages", "X-Recallr-Last-N-User-Messages")
def test_last_n_messages(asker: Asker, name: str) -> None:
    sent = asker.ask(UNRELATED, {name: "2"})
    assert sent.count == 2
    assert LATE in sent.text
    assert "blue" in sent.text


@spelt("X-Memory-Last-N-Summaries", "X-Recallr-Last-N-Summaries")
def test_last_n_summaries(asker: Asker, name: str) -> None:
    one = asker.ask(UNRELATED, {name: "1"}).text
    assert "Earlier sessions:" in one
    assert "blue" in one
    assert "Cremona" not in one
    assert "Cremona" in asker.ask(UNRELATED, {name: "2"}).text


@spelt("X-Memory-Timezone", "X-Recallr-Timezone")
def test_timezone(asker: Asker, name: str) -> None:
    assert "[2026-02-03 Tue]" in asker.ask(RELATED).text
    assert "[2026-02-04 Wed]" in asker.ask(RELATED, {name: "Asia/Tokyo"}).text


@spelt("X-Memory-Instructions", "X-Recallr-Include-System-Prompt")
def test_instructions(asker: Asker, name: str) -> None:
    assert INSTRUCTIONS in asker.ask(RELATED, {name: "true"}).text
    without = asker.ask(RELATED, {name: "false"}).text
    assert INSTRUCTIONS not in without
    assert VIOLIN in without


def test_as_of(asker: Asker) -> None:
    now = asker.ask(RELATED).text
    assert VIOLIN in now
    assert SOLD in now
    for then in (asker.ask(RELATED, {"X-Memory-As-Of": "2026-03-01"}), asker.ask(RELATED, as_of="2026-03-01")):
        assert VIOLIN in then.text
        assert SOLD not in then.text


def test_what_is_wanted_anyway_keeps_to_as_of_and_filters(asker: Asker) -> None:
    newest = {"X-Memory-Last-N-Messages": "2"}
    then = asker.ask(UNRELATED, {**newest, "X-Memory-As-Of": "2026-02-05"}).text
    assert "bow" in then
    assert VIOLIN in then
    assert "blue" not in then
    filtered = asker.ask(UNRELATED, newest, filters={"topic": "music"}).text
    assert SOLD in filtered
    assert "blue" not in filtered


def test_the_newest_messages_are_those_that_the_request_does_not_hold(asker: Asker) -> None:
    held = [{"role": "user", "content": text} for text in ("I painted the kitchen blue.", LATE, UNRELATED)]
    sent = asker.ask(UNRELATED, {"X-Memory-Last-N-Messages": "1"}, messages=held)
    assert sent.count == 1
    assert SOLD in sent.text


def test_filters(asker: Asker) -> None:
    sent = asker.ask(RELATED, filters={"topic": "music"}).text
    assert SOLD in sent
    assert VIOLIN not in sent


@spelt("X-Memory-Create-User", "X-Recallr-Allow-New-User-Creation")
@pytest.mark.parametrize(("value", "status"), [("false", 404), ("true", 200)])
def test_create_user(asker: Asker, name: str, value: str, status: int) -> None:
    headers = {
        "Authorization": f"Bearer {asker.gateway.admin_key}",
        "X-Memory-User": f"new {name} {value}",
        name: value,
    }
    body = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
    reply = httpx.post(f"{asker.gateway.base_url}/chat/completions", json=body, headers=headers, timeout=60)
    assert reply.status_code == status, reply.text


@pytest.mark.parametrize(
    ("name", "value", "is_same"),
    [
        ("X-Memory-Session-Timeout", "1", False),
        ("X-Memory-Session-Timeout", "600", True),
        ("X-Recallr-Session-Timeout-Seconds", "600", True),
    ],
)
def test_session_timeout(asker: Asker, name: str, value: str, is_same: bool) -> None:
    headers = {"Authorization": f"Bearer {asker.gateway.admin_key}", "X-Memory-User": f"pausing {name} {value}"}
    headers |= {name: value, "X-Memory-Create-User": "true"}
    sessions = []
    for text in ("Good morning", "Something else altogether"):
        body = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": text}]}
        reply = httpx.post(f"{asker.gateway.base_url}/chat/completions", json=body, headers=headers, timeout=60)
        sessions.append(reply.headers["x-memory-session"])
        time.sleep(1.1)
    assert (sessions[0] == sessions[1]) is is_same


CONTROLS = {
    "X-Memory-Min-Top-K": "3",
    "X-Memory-Last-N-Messages": "2",
    "X-Memory-Last-N-Summaries": "1",
    "X-Memory-Threshold": "0",
}


@pytest.mark.parametrize("name", CONTROLS)
def test_prepare_takes_them_too(asker: Asker, name: str) -> None:
    assert asker.prepare(UNRELATED) == ""
    prepared = asker.prepare(UNRELATED, {name: CONTROLS[name]})
    asked = asker.ask(UNRELATED, {name: CONTROLS[name]}).text
    assert without_nonce(prepared) == without_nonce(asked.removesuffix("\n\n"))


def test_prepare_says_what_a_request_would(asker: Asker) -> None:
    assert INSTRUCTIONS not in asker.prepare(RELATED, {"X-Memory-Instructions": "false"})
    assert "Earlier sessions:" in asker.prepare(RELATED, {"X-Memory-Summaries-Threshold": "0.05"})


def without_nonce(block: str) -> str:
    """A block but for what is its own."""
    return re.sub(r"memory-[0-9a-f]+", "memory", block)
