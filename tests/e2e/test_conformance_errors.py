"""Every error status: the class that the SDK has for it, and the provider's own words, headers and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest
from openai import OpenAI

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script
from tests.e2e.vaults import stored_texts

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

CLASSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    405: openai.APIStatusError,
    409: openai.ConflictError,
    413: openai.APIStatusError,
    415: openai.APIStatusError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    502: openai.InternalServerError,
    503: openai.InternalServerError,
    504: openai.InternalServerError,
}
SAID = [{"role": "user", "content": "Which status is this?"}]
ADVICE = (("retry-after", "7"), ("retry-after-ms", "7000"), ("x-should-retry", "false"))
PAGE = b"<html><body>502 Bad Gateway</body></html>"


def client_of(gateway: GatewayProcess, **options: int) -> OpenAI:
    return OpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, **{"max_retries": 0, **options})


def ask(client: OpenAI, surface: str, headers: dict[str, str]) -> None:
    if surface == "responses":
        client.responses.create(model="openai/m", input="Which status is this?", extra_headers=headers)
        return
    client.chat.completions.create(
        model="openai/m",
        messages=SAID,  # type: ignore[arg-type]
        stream=surface == "chat stream",
        extra_headers=headers,
    )


@pytest.mark.parametrize("mode", ["off", "full"])
@pytest.mark.parametrize("surface", ["chat", "chat stream", "responses"])
@pytest.mark.parametrize("status", CLASSES)
def test_a_providers_error_raises_the_class_of_its_status(
    gateway: GatewayProcess, provider: ScriptedProvider, status: int, surface: str, mode: str
) -> None:
    provider.then(Script(status=status, headers=ADVICE))
    user = f"errors {surface} {mode}"
    headers = {"X-Memory-Mode": mode, "X-Memory-User": user}
    with client_of(gateway) as client, pytest.raises(CLASSES[status]) as raised:
        ask(client, surface, headers)
    assert type(raised.value) is CLASSES[status]
    assert raised.value.status_code == status
    assert raised.value.body["message"] == f"scripted {status}"  # type: ignore[index]
    assert (raised.value.request_id or "").startswith("req_scripted_")
    assert {name: raised.value.response.headers[name] for name, _ in ADVICE} == dict(ADVICE)
    assert stored_texts(gateway, user) == []


def test_a_page_in_place_of_an_error_passes_as_it_is(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    provider.then(Script(raw=PAGE, status=502, content_type="text/html", headers=(("x-should-retry", "false"),)))
    with client_of(gateway) as client, pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="openai/m", messages=SAID, user="pages")  # type: ignore[arg-type]
    assert raised.value.response.content == PAGE
    assert raised.value.response.headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "memory/search", 405), ("GET", "memory/nothing-here", 404)]
)
def test_our_own_errors_have_the_same_shape(gateway: GatewayProcess, method: str, path: str, status: int) -> None:
    reply = httpx.request(method, f"{gateway.base_url}/{path}", headers={"X-Memory-Key": gateway.admin_key})
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


def test_a_retry_of_the_sdk_is_kept_once(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    cut = Script(text="Half of it never arrives.", cut_after=1)
    provider.then(cut, Script(text="At last."))
    with client_of(gateway, max_retries=3) as client:
        reply = client.chat.completions.create(model="openai/m", messages=SAID, user="retries")  # type: ignore[arg-type]
    assert reply.choices[0].message.content == "At last."
    counts = [received.header("x-stainless-retry-count") for received in provider.requests[before:]]
    assert counts == ["0", "1"]
    assert stored_texts(gateway, "retries") == ["Which status is this?", "At last."]


def test_a_retry_of_ours_is_none_of_the_sdks_and_kept_once(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    before = len(provider.requests)
    again = (("retry-after-ms", "1"),)
    provider.then(Script(status=429, headers=again), Script(status=503, headers=again), Script(text="At last."))
    with client_of(gateway, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="openai/m",
            messages=SAID,  # type: ignore[arg-type]
            user="our retries",
        )
    assert raw.parse().choices[0].message.content == "At last."
    assert raw.headers["x-memory-upstream"] == "openai/m=429, openai/m=503, openai/m=200"
    assert len(provider.requests) - before == 3
    assert stored_texts(gateway, "our retries") == ["Which status is this?", "At last."]


def test_a_turn_that_broke_off_and_is_sent_again_is_kept_once(
    gateway: GatewayProcess, provider: ScriptedProvider
) -> None:
    provider.then(Script(text="Half of it never arrives.", cut_after=2, delay_s=0.02), Script(text="All of it."))
    with client_of(gateway, max_retries=2) as client:
        reply = client.chat.completions.create(model="openai/m", messages=SAID, user="broken once")  # type: ignore[arg-type]
    assert reply.choices[0].message.content == "All of it."
    assert stored_texts(gateway, "broken once") == ["Which status is this?", "All of it."]
