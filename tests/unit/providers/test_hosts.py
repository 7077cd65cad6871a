from __future__ import annotations

import re
from pathlib import Path

import pytest

from recollect.providers.hosts import ProviderHosts
from recollect.providers.registry import load_registry, with_overrides


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai"),
        ("https://EU.api.openai.com/v1/chat/completions", "openai"),
        ("https://mine.openai.azure.com/openai/v1/responses", "azure"),
        ("http://127.0.0.1:9/v1/chat/completions", "groq"),
        ("https://llm.example/v1", None),
        ("", None),
    ],
)
def test_whose_a_url_is(url, provider):
    registry = with_overrides(load_registry(), {"groq": {"base_url": "http://127.0.0.1:9/v1"}})
    assert ProviderHosts(registry.values()).provider_at(url) == provider


def test_the_reference_names_who_is_asked_for_the_count_of_a_stream():
    page = Path(__file__).parents[3] / "docs" / "reference" / "providers.md"
    told = page.read_text("utf-8").partition("## The count of a stream")[2].partition("##")[0]
    asked = {name for name, provider in load_registry().items() if provider.has_stream_usage}
    assert asked
    assert set(re.findall(r"`([a-z-]+)`", told)) == asked
