from __future__ import annotations

from datetime import UTC, datetime

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.trace import StatusCode

from recollect.domain.requests import RequestRecord
from recollect.domain.usage import Cost, Usage
from recollect.exchange.ports import IncomingRequest
from recollect.telemetry import conventions
from recollect.telemetry.spans import ExchangeSpan

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
STAGES = {"authenticate": 1.0, "recall": 5.0, "forward": 100.0, "relay": 20.0}
BEGUN = {"authenticate": 0.0, "recall": 1.0, "forward": 6.0, "relay": 106.0}
RECORD = RequestRecord(
    "req_1",
    AT,
    126.0,
    "POST",
    "chat/completions",
    status=200,
    user="ann",
    session="ses_1",
    dialect="chat/completions",
    provider="mistral",
    model="m",
    is_streamed=True,
    stage_ms=STAGES,
    stage_at_ms=BEGUN,
    memory="injected",
    memories=("msg_1",),
    memory_tokens=40,
    finish_reason="stop",
    response_id="c1",
    cost=Cost("openai", "m", Usage(100, 7, cached_tokens=64), 2_500_000),
)


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
def measured():
    return []


@pytest.fixture
def begin(exported, measured):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))

    def begun(headers=(), forward_target=None):
        request = IncomingRequest("POST", "chat/completions", "", headers, b"{}", forward_target)
        note = lambda record, operation: measured.append(operation)  # noqa: E731
        return ExchangeSpan(provider.get_tracer("test"), request, AT.timestamp(), note)

    return begun


def replaced(**fields):
    return RECORD._replace(**fields)


def by_name(exported):
    return {span.name: span for span in exported.get_finished_spans()}


def test_the_call_tells_what_the_conventions_name(begin, exported, measured):
    span = begin()
    span.outgoing(())
    span.end(RECORD)
    call = by_name(exported)["chat m"]
    assert dict(call.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": "c1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.conversation.id": "ses_1",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 64,
        "recollect.cost_usd": 0.0025,
    }
    assert measured == ["chat"]


def test_every_name_is_one_of_the_conventions(begin, exported):
    span = begin()
    span.outgoing(())
    span.end(RECORD)
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    used = {name for one in exported.get_finished_spans() for name in one.attributes if name.startswith("gen_ai.")}
    assert used - known == set()
    assert conventions.DURATION == gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION
    assert conventions.TOKEN_USAGE == gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE
    providers = {one.value for one in gen_ai_attributes.GenAiProviderNameValues}
    assert set(conventions.PROVIDERS.values()) - providers == set()


def test_stages_stand_where_they_were(begin, exported):
    span = begin()
    span.outgoing(())
    span.end(RECORD)
    at_ns = int(AT.timestamp() * 1e9)
    spans = by_name(exported)
    assert set(spans) == {"POST /v1/chat/completions", "authenticate", "recall", "chat m"}
    recall = spans["recall"]
    assert (recall.start_time - at_ns, recall.end_time - at_ns) == (1_000_000, 6_000_000)
    assert recall.attributes["recollect.memory.count"] == 1
    root = spans["POST /v1/chat/completions"]
    assert root.end_time - at_ns == 126_000_000
    assert {one.parent.span_id for one in spans.values() if one is not root} == {root.context.span_id}


def test_a_client_s_trace_is_continued_and_the_provider_joins_ours(begin, exported):
    theirs = (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    state = (b"tracestate", b"vendor=1")
    span = begin((theirs, state, (b"accept", b"a")))
    sent = dict(span.outgoing((theirs, state, (b"accept", b"a"))))
    again = dict(span.outgoing((theirs, state, (b"accept", b"a"))))
    span.end(RECORD)
    spans = by_name(exported)
    call = spans["chat m"].context
    assert sent == again
    assert sent == {
        b"accept": b"a",
        b"traceparent": f"00-0af7651916cd43dd8448eb211c80319c-{call.span_id:016x}-01".encode(),
        b"tracestate": b"vendor=1",
    }
    assert spans["POST /v1/chat/completions"].parent.span_id == 0xB7AD6B7169203331


def test_a_client_that_does_not_sample_is_left_alone(begin, exported):
    span = begin(((b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),))
    (header,) = span.outgoing(())
    span.end(RECORD)
    assert header[1].endswith(b"-00")
    assert exported.get_finished_spans() == ()


def test_a_malformed_context_begins_a_trace(begin, exported):
    span = begin(((b"traceparent", b"00-nonsense\xff"),))
    span.end(RECORD)
    assert by_name(exported)["POST /v1/chat/completions"].parent is None


def test_an_error_of_the_provider_s_is_the_call_s_and_not_ours(begin, exported):
    span = begin()
    span.outgoing(())
    span.end(replaced(status=429))
    spans = by_name(exported)
    assert (spans["chat m"].status.status_code, spans["chat m"].attributes["error.type"]) == (StatusCode.ERROR, "429")
    assert spans["POST /v1/chat/completions"].status.status_code is StatusCode.UNSET


def test_without_a_call_there_is_none(begin, exported, measured):
    span = begin()
    span.end(replaced(status=401, error="invalid_api_key", stage_ms={"authenticate": 1.0}, dialect=None))
    spans = by_name(exported)
    assert set(spans) == {"POST /v1/chat/completions", "authenticate"}
    assert spans["POST /v1/chat/completions"].status.description == "invalid_api_key"
    assert measured == []


def test_what_is_no_operation_of_the_conventions(begin, exported, measured):
    span = begin()
    span.outgoing(())
    span.end(replaced(path="images/generations", dialect=None))
    assert dict(by_name(exported)["POST images/generations"].attributes) == {}
    assert measured == []


def test_forward_style_names_no_host_in_its_span(begin, exported):
    begin(forward_target="https://llm.internal/v1/chat/completions?key=secret").end(RECORD)
    assert "POST /forward" in by_name(exported)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("embeddings", "embeddings"),
        ("https://api.openai.com/v1/embeddings", "embeddings"),
        ("completions", "text_completion"),
        ("messages", "chat"),
        ("audio/speech", None),
    ],
)
def test_operations(path, operation):
    assert conventions.operation_of(replaced(path=path, dialect=None)) == operation
