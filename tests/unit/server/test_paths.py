from __future__ import annotations

import pytest

from recollect.errors import InvalidRequestError
from recollect.server.paths import Surface, classify

CHAT = "chat/completions"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/v1/chat/completions",
        "//v1//chat/completions",
        "/v1/chat/completions/",
        "/api/v1/chat/completions",
        "/openai/v1/chat/completions",
        "/openai/deployments/gpt-5/chat/completions",
        "/v1beta/openai/chat/completions",
    ],
)
def test_every_spelling_of_the_base_url_reaches_the_same_route(path):
    target = classify(path.encode())
    assert (target.surface, target.path, target.is_dialect) == (Surface.OPENAI, CHAT, True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models/openai%2Fgpt-5", "models/openai%2Fgpt-5"),
        ("/v1/models/openai/gpt-5", "models/openai/gpt-5"),
        ("/v1/responses/resp_1/input_items", "responses/resp_1/input_items"),
        ("/v1/something/new", "something/new"),
        ("/embeddings", "embeddings"),
    ],
)
def test_anything_under_v1_is_the_providers(path, expected):
    target = classify(path.encode())
    assert (target.surface, target.path, target.is_dialect) == (Surface.OPENAI, expected, False)


@pytest.mark.parametrize("prefix", ["/forward/", "/api/v1/forward/", "/v1/forward/", "//forward//"])
def test_forward_style_keeps_the_upstream_url_as_it_is(prefix):
    target = classify(f"{prefix}https://api.openai.com/v1/chat/completions".encode())
    assert target.surface is Surface.FORWARD
    assert target.path == "https://api.openai.com/v1/chat/completions"
    assert target.is_dialect


def test_a_forwarded_upload_is_no_dialect():
    assert not classify(b"/forward/https://api.openai.com/v1/files").is_dialect


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/memory/search", "/memory/search"),
        ("/memory/search", "/memory/search"),
        ("/memory/users/a%2Fb", "/memory/users/a/b"),
        ("/healthz", "/healthz"),
        ("/openapi.json", "/openapi.json"),
        ("/", "/"),
        ("/v1", "/"),
        ("/favicon.ico", "/favicon.ico"),
    ],
)
def test_what_is_ours(path, expected):
    target = classify(path.encode())
    assert (target.surface, target.path) == (Surface.OWN, expected)


@pytest.mark.parametrize("path", ["/v1/../healthz", "/v1/files/%2e%2e/secret", "/v1/./models"])
def test_a_path_that_climbs_is_refused(path):
    with pytest.raises(InvalidRequestError):
        classify(path.encode())


@pytest.mark.parametrize(
    ("path", "expected", "is_dialect", "errors"),
    [
        ("/v1/messages", "messages", True, "messages"),
        ("/v1/v1/messages", "messages", True, "messages"),
        ("/messages", "messages", True, "messages"),
        ("/v1/messages/count_tokens", "messages/count_tokens", False, "messages"),
        ("/v1/threads/t/messages", "threads/t/messages", False, ""),
        ("/v1/chat/completions", "chat/completions", True, ""),
        ("/forward/https://h/v1/messages", "https://h/v1/messages", True, "messages"),
        ("/forward/https://h/v1/messages/batches", "https://h/v1/messages/batches", False, "messages"),
        ("/forward/https://h/v1/threads/t/messages", "https://h/v1/threads/t/messages", False, ""),
    ],
)
def test_anthropics_paths(path, expected, is_dialect, errors):
    target = classify(path.encode())
    assert (target.path, target.is_dialect, target.error_dialect) == (expected, is_dialect, errors)
