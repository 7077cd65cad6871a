"""Names by OpenTelemetry's semantic conventions (https://opentelemetry.io/docs/specs/semconv/gen-ai/)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recollect.domain.requests import RequestRecord

Attribute = str | int | float | bool | tuple[str, ...]
DURATION = "gen_ai.client.operation.duration"
TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - a metric's name
DURATION_BOUNDS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BOUNDS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
OPERATIONS = {
    "chat/completions": "chat",
    "responses": "chat",
    "messages": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
}
PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Where the conventions spell a provider in another way than the registry."""
FIRST_ERROR = 400


def operation_of(record: RequestRecord) -> str | None:
    """What the conventions call it; None for what is no operation of theirs."""
    path = record.dialect or record.path.rstrip("/")
    return OPERATIONS.get(path) or next((name for end, name in OPERATIONS.items() if path.endswith(f"/{end}")), None)


def error_type(record: RequestRecord) -> str | None:
    """``error.type``: our code, or the provider's status."""
    if record.error is not None:
        return record.error
    return str(record.status) if record.status >= FIRST_ERROR else None


def metric_attributes(record: RequestRecord, operation: str) -> dict[str, Attribute]:
    """What both metrics are told apart by."""
    return _given(
        {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": provider_name(record),
            "gen_ai.request.model": record.model,
            "gen_ai.response.model": record.response_model,
        }
    )


def call_attributes(record: RequestRecord, operation: str) -> dict[str, Attribute]:
    """Of the span of the call to the provider."""
    usage = record.cost.usage if record.cost else None
    return _given(
        {
            **metric_attributes(record, operation),
            "gen_ai.request.stream": record.is_streamed or None,
            "gen_ai.response.id": record.response_id,
            "gen_ai.response.finish_reasons": (record.finish_reason,) if record.finish_reason else None,
            "gen_ai.conversation.id": record.session,
            "gen_ai.usage.input_tokens": usage.input_tokens if usage else None,
            "gen_ai.usage.output_tokens": usage.output_tokens if usage else None,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None if usage else None,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens or None if usage else None,
            "error.type": error_type(record),
            "recollect.cache": record.cache,
            "recollect.cost_usd": record.cost.usd if record.cost else None,
            "recollect.upstream.attempts": len(record.attempts) or None,
        }
    )


def request_attributes(record: RequestRecord) -> dict[str, Attribute]:
    """Of the span of the whole request. The user is told by a hash: names are often addresses."""
    return _given(
        {
            "http.response.status_code": record.status or None,
            "error.type": error_type(record),
            "recollect.request.id": record.id,
            "recollect.project": record.project,
            "recollect.key.id": record.key_id,
            "enduser.pseudo.id": record.pseudonym,
            "gen_ai.conversation.id": record.session,
            "recollect.memory.mode": record.mode,
            "recollect.memory.status": record.memory,
            "recollect.memory.stored": record.stored,
        }
    )


def recall_attributes(record: RequestRecord) -> dict[str, Attribute]:
    """Of the span of recall."""
    return {
        "recollect.memory.status": record.memory,
        "recollect.memory.count": len(record.memories),
        "recollect.memory.tokens": record.memory_tokens,
    }


def provider_name(record: RequestRecord) -> str:
    """The provider as the conventions spell it; a URL in forward style that is nobody's is ``forward``."""
    name = record.provider or "forward"
    return PROVIDERS.get(name, name)


def _given(attributes: dict[str, Attribute | None]) -> dict[str, Attribute]:
    return {name: value for name, value in attributes.items() if value is not None}
