"""Traces and metrics, received as a collector receives them, of exchanges with the real SDKs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recollect.testing.scripted_provider import Script
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import GatewayProcess
from tests.e2e.otlp_receiver import OtlpReceiver, attributes, receiving
from tests.e2e.speakers import SPEAKERS, Access
from tests.e2e.vaults import eventually, ingest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider

SERVER, CLIENT, INTERNAL = 2, 3, 1
ERROR = 2
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
FACT = "I love hiking in the Dolomites"
ASKED = "Where do I love hiking?"
SURFACES = ("python chat", "python chat stream", "python responses", "python responses stream")


@pytest.fixture(scope="module")
def collector() -> Iterator[OtlpReceiver]:
    with receiving() as received:
        yield received


@pytest.fixture(scope="module")
def traced(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, collector: OtlpReceiver
) -> Iterator[GatewayProcess]:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "RECOLLECT_OTEL_INTERVAL_S": "0.3",
        "RECOLLECT_EMBEDDER_KIND": "none",
    }
    running = GatewayProcess(tmp_path_factory.mktemp("traced") / "data", provider.base_url, environment=environment)
    running.start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()


def spans_of(collector: OtlpReceiver, trace: str) -> dict[str, object]:
    """The spans of a trace by name, once its root is there."""

    def found() -> dict[str, object]:
        return {span.name: span for span in collector.spans if span.trace_id.hex() == trace}

    assert eventually(lambda: any(span.kind == SERVER for span in found().values()))
    return found()


def speak(gateway: GatewayProcess, surface: str, user: str, trace: str, text: str = ASKED) -> str:
    key = gateway.create_key(kind="vault", user=user)
    headers = {"traceparent": f"00-{trace}-{PARENT}-01"}
    return SPEAKERS[surface](Access(gateway.base_url, key, "openai/m", default_headers=headers), text)


@pytest.mark.parametrize("surface", SURFACES)
def test_an_exchange_is_a_span_with_its_stages_and_its_call(
    traced: GatewayProcess, provider: ScriptedProvider, collector: OtlpReceiver, surface: str
) -> None:
    trace = f"{SURFACES.index(surface) + 1:02x}{TRACE[2:]}"
    user = f"traced {surface}"
    ingest(traced, user, [{"role": "user", "content": FACT}], session_id="earlier")
    assert speak(traced, surface, user, trace) == ANSWER
    spans = spans_of(collector, trace)
    root = next(span for span in spans.values() if span.kind == SERVER)
    call = next(span for span in spans.values() if span.kind == CLIENT)
    assert root.parent_span_id.hex() == PARENT
    assert provider.last.header("traceparent") == f"00-{trace}-{call.span_id.hex()}-01"
    assert {span.name for span in spans.values() if span.kind == INTERNAL} == {
        "authenticate",
        "resolve",
        "recall",
        "inject",
    }
    assert {span.parent_span_id for span in spans.values() if span is not root} == {root.span_id}
    for span in spans.values():
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
    told = attributes(call)
    assert call.name == "chat m"
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "m"
    assert told["gen_ai.response.finish_reasons"] in (["stop"], ["completed"])
    assert told["gen_ai.response.model"]
    assert told["gen_ai.usage.input_tokens"] > 0
    assert told["gen_ai.usage.output_tokens"] > 0
    assert told["gen_ai.conversation.id"] == attributes(root)["gen_ai.conversation.id"]
    assert attributes(root)["recollect.memory.status"] == "injected"
    assert attributes(spans["recall"])["recollect.memory.count"] == 1
    assert attributes(root)["http.response.status_code"] == 200


def test_a_failure_says_so(traced: GatewayProcess, provider: ScriptedProvider, collector: OtlpReceiver) -> None:
    provider.script, before = Script(status=500), provider.script
    try:
        with pytest.raises(Exception, match="500"):
            speak(traced, "python chat", "failing", "ee" + TRACE[2:])
    finally:
        provider.script = before
    spans = spans_of(collector, "ee" + TRACE[2:]).values()
    call = next(span for span in spans if span.kind == CLIENT)
    assert (call.status.code, attributes(call)["error.type"]) == (ERROR, "500")


def test_metrics_of_operations(traced: GatewayProcess, collector: OtlpReceiver) -> None:
    assert speak(traced, "python chat", "measured", "dd" + TRACE[2:]) == ANSWER

    def points(name: str) -> list[object]:
        return [point for one in collector.metrics if one.name == name for point in one.histogram.data_points]

    assert eventually(lambda: bool(points("gen_ai.client.operation.duration")))
    told = attributes(points("gen_ai.client.operation.duration")[-1])
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "m"
    assert {attributes(point)["gen_ai.token.type"] for point in points("gen_ai.client.token.usage")} == {
        "input",
        "output",
    }
    assert {one.unit for one in collector.metrics if one.name == "gen_ai.client.operation.duration"} == {"s"}


def test_who_sends_it_and_nothing_of_what_was_said(traced: GatewayProcess, collector: OtlpReceiver) -> None:
    user = "discreet"
    ingest(traced, user, [{"role": "user", "content": FACT}], session_id="earlier")
    assert speak(traced, "python chat", user, "cc" + TRACE[2:]) == ANSWER
    spans_of(collector, "cc" + TRACE[2:])
    assert {one["service.name"] for one in collector.resources()} == {"recollect"}
    assert collector.refused == 0
    everything = b"".join(collector.raw)
    for said in (FACT, ASKED, ANSWER, user):
        assert said.encode() not in everything


def test_what_is_left_is_sent_at_the_end(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, collector: OtlpReceiver
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "RECOLLECT_EMBEDDER_KIND": "none"}
    running = GatewayProcess(tmp_path_factory.mktemp("ending") / "data", provider.base_url, environment=environment)
    running.start()
    trace = "bb" + TRACE[2:]
    headers = {"traceparent": f"00-{trace}-{PARENT}-01"}
    assert SPEAKERS["python chat"](Access(running.base_url, "sk-x", "openai/m", default_headers=headers), ASKED)
    running.terminate()
    assert any(span.trace_id.hex() == trace for span in collector.spans)
