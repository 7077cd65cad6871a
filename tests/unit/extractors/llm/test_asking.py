"""One endpoint, its habits, and what becomes of every answer that it may give."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
import pytest

from recollect.errors import ExtractorUnavailableError, ModelReplyError
from recollect.extractors.llm import Asker, DailyTokens, LlmExtractor, Pace, Wishes
from recollect.providers.base import Route
from recollect.providers.chat_model import ProviderChatModel
from recollect.providers.http_upstream import HttpUpstream
from recollect.testing.scripted_provider import Script, ScriptedProvider

QUOTED = {"message": 1, "quote": "I live in Lisbon"}
FACT = {"subject": "user", "attribute": "home", "value": "Lisbon", "change": "states", **QUOTED}
GOOD = orjson.dumps({"reasoning": "", "facts": [FACT], "entities": [], "relations": [], "summary": {}}).decode()
LINES = "REASONING| x\nFACT| user| home| Lisbon| states| | | | 1| I live in Lisbon\nEND"
REFUSED = Script(status=400)


@pytest.fixture
async def provider():
    async with ScriptedProvider(Script(text=GOOD)) as running:
        yield running


@pytest.fixture
async def extractor(provider):
    upstream = HttpUpstream()
    route = Route(None, f"{provider.base_url}/chat/completions", None, ((b"authorization", b"Bearer sk-1"),))
    yield LlmExtractor(Asker(ProviderChatModel(upstream, route, "small"), DailyTokens(None, 50_000), Pace(30), 5.0))
    await upstream.close()


@pytest.fixture
def extract(extractor, said):
    async def values(*texts):
        messages = [said(text, number) for number, text in enumerate(texts or ["I live in Lisbon"], 1)]
        return [claim.value for claim in (await extractor.extract(messages)).claims]

    return values


def forms(provider):
    bodies = [request.json() for request in provider.requests]
    return [(body.get("response_format") or {}).get("type", "lines") for body in bodies]


async def test_it_asks_as_openai_is_asked(provider, extract):
    assert await extract() == ["Lisbon"]
    (request,) = provider.requests
    body = request.json()
    assert (request.header("authorization"), body["model"], body["stream"]) == ("Bearer sk-1", "small", False)
    assert [one["role"] for one in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"] == "[1] user, 2026-05-12: I live in Lisbon"
    assert body["response_format"]["json_schema"]["strict"] is True


async def test_a_looser_form_is_asked_for_where_one_is_refused_and_remembered(provider, extract):
    provider.then(REFUSED, REFUSED, Script(text=LINES), Script(text=LINES))
    assert await extract() == ["Lisbon"]
    assert await extract() == ["Lisbon"]
    assert forms(provider) == ["json_schema", "json_object", "lines", "lines"]


async def test_a_refusal_of_every_form_is_the_messages_own(provider, extract):
    provider.then(REFUSED, REFUSED, REFUSED)
    with pytest.raises(ModelReplyError, match="in every form"):
        await extract()
    assert await extract() == ["Lisbon"]
    assert forms(provider)[-1] == "json_schema"


async def test_reasoning_models_get_their_own_name_for_the_limit(provider, extract):
    refusal = b'{"error": {"message": "Use max_completion_tokens instead", "code": "unsupported_parameter"}}'
    provider.then(Script(status=400, raw=refusal))
    assert await extract() == ["Lisbon"]
    assert [set(request.json()) & {"max_tokens", "max_completion_tokens"} for request in provider.requests] == [
        {"max_tokens"},
        {"max_completion_tokens"},
    ]


@pytest.mark.parametrize("bad", ["I could not find anything.", GOOD[:-30], '{"facts": 7}', ""])
async def test_an_unreadable_answer_is_repaired_once(provider, extract, bad):
    provider.then(Script(text=bad))
    assert await extract() == ["Lisbon"]
    second = provider.requests[1].json()["messages"]
    assert [one["role"] for one in second] == ["system", "user", "assistant", "user"]
    assert "could not be read" in second[3]["content"]


async def test_what_is_unreadable_twice_is_an_error_without_anybodys_words(provider, extract):
    provider.then(Script(text="secret prose"), Script(text="secret prose"))
    with pytest.raises(ModelReplyError, match="after a repair") as error:
        await extract()
    assert "secret" not in str(error.value)
    assert len(provider.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502])
async def test_an_endpoint_that_fails_is_away(provider, extract, status):
    provider.then(Script(status=status))
    with pytest.raises(ExtractorUnavailableError, match=str(status)):
        await extract()


async def test_a_busy_endpoint_is_left_alone(provider, extract):
    provider.then(Script(status=429, headers=(("retry-after", "30"),)))
    with pytest.raises(ExtractorUnavailableError) as busy:
        await extract()
    assert busy.value.retry_after_s == 30
    with pytest.raises(ExtractorUnavailableError) as waiting:
        await extract()
    assert 29 < waiting.value.retry_after_s <= 30
    assert len(provider.requests) == 1


async def test_a_hang_ends(provider, extractor, extract):
    extractor._asker.timeout_s = 0.1
    provider.then(Script(hang="before_head"), Script(text="prose"), Script(hang="before_head"))
    with pytest.raises(ExtractorUnavailableError, match="did not answer"):
        await extract()
    with pytest.raises(ModelReplyError, match="did not answer"):
        await extract()


@pytest.mark.parametrize(
    "script", [Script(raw=b"<html>"), Script(raw=b'{"choices": []}'), Script(raw=b'{"choices": [{"message": 7}]}')]
)
async def test_what_is_no_chat_completion_is_said_to_be_none(provider, extract, script):
    provider.then(script)
    with pytest.raises(ModelReplyError, match="chat completion"):
        await extract()


async def test_a_reply_that_breaks_off_is_unavailability(provider, extract):
    provider.then(Script(text=GOOD, cut_after=1))
    with pytest.raises(ExtractorUnavailableError, match="away"):
        await extract()


async def test_nobody_there_is_unavailability(extractor, extract):
    model = extractor._asker.model
    model.route = replace(model.route, url="http://127.0.0.1:9/v1/chat/completions")
    with pytest.raises(ExtractorUnavailableError, match="away"):
        await extract()


async def test_the_days_tokens_are_an_end(provider, extractor, extract):
    daily = extractor._asker.daily
    await extract()
    assert daily.used() > 0
    daily.most = daily.used() + 100
    with pytest.raises(ExtractorUnavailableError, match="daily_tokens"):
        await extract()
    assert len(provider.requests) == 1


async def test_a_long_window_is_asked_in_pieces_and_joined(provider, extract):
    assert await extract(*["I live in Lisbon" + " really" * 300] * 10) == ["Lisbon"] * len(provider.requests)
    assert 1 < len(provider.requests) <= 4


async def test_what_is_too_long_is_counted(provider, extractor, said):
    found = await extractor.extract([said("I live in Lisbon " + "字" * 20_000)])
    assert len(provider.requests) == 4
    assert found.dropped["too_long"] == 1


async def test_the_version_names_model_prompt_and_wishes(extractor):
    other = LlmExtractor(extractor._asker, Wishes("Leave work out."))
    assert "small" in extractor.version
    assert extractor.version != other.version


async def test_two_windows_at_once(extractor, said):
    found = await asyncio.gather(*(extractor.extract([said("I live in Lisbon")]) for _ in range(3)))
    assert [len(one.claims) for one in found] == [1, 1, 1]
