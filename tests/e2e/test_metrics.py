"""``/metrics`` of a gateway that serves the real SDKs, read by Prometheus's own parsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script
from tests.e2e.answers import ANSWER
from tests.e2e.speakers import SPEAKERS, Access
from tests.e2e.vaults import ingest

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

FACT = "I love hiking in the Dolomites"
ASKED = "Where do I love hiking?"
MODEL = "metered"
KINDS = {
    "recollect_exchanges": "counter",
    "recollect_stage_duration_seconds": "histogram",
    "recollect_request_duration_seconds": "histogram",
    "recollect_tokens": "counter",
    "recollect_cost_usd": "counter",
    "recollect_memory": "counter",
    "recollect_injected_tokens": "counter",
    "recollect_captures": "counter",
    "recollect_upstream_attempts": "counter",
    "recollect_errors": "counter",
    "recollect_upstreams_resting": "gauge",
    "recollect_spooled": "gauge",
    "recollect_jobs_waiting": "gauge",
    "recollect_requests_in_flight": "gauge",
}
READERS = {
    "text/plain; version=0.0.4": text_families,
    "application/openmetrics-text; version=1.0.0": openmetrics_families,
}


def scrape(gateway: GatewayProcess, accept: str = "text/plain; version=0.0.4"):
    """The families by name."""
    reply = httpx.get(f"{gateway.url}/metrics", headers={"accept": accept})
    assert reply.headers["content-type"].startswith(accept.partition(";")[0])
    return {family.name: family for family in READERS[accept](reply.text)}


def total(families, name: str, **labels: str) -> float:
    """The sum of the samples of a counter that have these labels."""
    samples = families[name].samples if name in families else ()
    return sum(one.value for one in samples if one.name.endswith("_total") and labels.items() <= one.labels.items())


@pytest.mark.parametrize("accept", READERS)
def test_prometheus_reads_every_family(gateway: GatewayProcess, accept: str) -> None:
    assert SPEAKERS["python chat"](Access(gateway.base_url, gateway.admin_key, f"openai/{MODEL}"), ASKED) == ANSWER
    families = scrape(gateway, accept)
    assert {name: families[name].type for name in KINDS} == KINDS
    assert [name for name in KINDS if not families[name].documentation] == []


@pytest.mark.parametrize("surface", ["python chat", "python responses stream"])
def test_an_exchange_counts(gateway: GatewayProcess, provider: ScriptedProvider, surface: str) -> None:
    user = f"metered {surface}"
    ingest(gateway, user, [{"role": "user", "content": FACT}], session_id="earlier")
    key = gateway.create_key(kind="vault", user=user)
    before = scrape(gateway)
    assert SPEAKERS[surface](Access(gateway.base_url, key, f"openai/{MODEL}"), ASKED) == ANSWER
    after = scrape(gateway)

    def grown(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    of_model = {"provider": "openai", "model": MODEL}
    assert grown("recollect_exchanges", **of_model, status="200") == 1
    assert grown("recollect_memory", status="injected") == 1
    assert grown("recollect_injected_tokens") > 0
    assert grown("recollect_captures", result="yes") == 1
    assert grown("recollect_tokens", **of_model, kind="input") > 0
    assert grown("recollect_tokens", **of_model, kind="output") > 0
    assert grown("recollect_upstream_attempts", outcome="200") == 1
    stages = {one.labels["stage"] for one in after["recollect_stage_duration_seconds"].samples}
    assert stages >= {"authenticate", "resolve", "recall", "inject", "forward", "relay"}


def test_a_failure_counts_and_a_made_up_model_takes_no_name(
    gateway: GatewayProcess, provider: ScriptedProvider
) -> None:
    before = scrape(gateway)
    provider.then(Script(status=404))
    body = {"model": "openai/nobody-knows", "messages": [{"role": "user", "content": "hi"}]}
    headers = {"X-Memory-Key": gateway.admin_key}
    assert httpx.post(f"{gateway.base_url}/chat/completions", json=body, headers=headers).status_code == 404
    after = scrape(gateway)
    other = {"provider": "openai", "model": "other", "status": "404"}
    assert total(after, "recollect_exchanges", **other) - total(before, "recollect_exchanges", **other) == 1
    assert total(after, "recollect_exchanges", model="nobody-knows") == 0


def test_nobody_is_named(gateway: GatewayProcess) -> None:
    assert "metered python" not in httpx.get(f"{gateway.url}/metrics").text
