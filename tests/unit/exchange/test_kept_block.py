"""The same newest message a moment later keeps its block, as long as it asks for the same."""

from __future__ import annotations

import pytest

from tests.unit.exchange.test_pipeline import chat

LATER = (b"x-memory-session", b"later")


@pytest.fixture
async def asked(gateway):
    """Somebody told something and asked for it in another session."""
    await gateway.post(chat("I love hiking in the hills"))
    await gateway.post(chat("Where is the hiking?"), headers=(LATER,))
    return gateway


async def test_a_retry_keeps_its_block(asked):
    recalls = len(asked.recaller.requests)
    again = await asked.post(chat("Where is the hiking?"), headers=(LATER,))
    assert again.headers["x-memory-status"] == "injected"
    assert len(asked.recaller.requests) == recalls
    assert asked.upstream.requests[-1].body == asked.upstream.requests[-2].body


async def test_other_wishes_are_recalled_for_anew(asked):
    recalls = len(asked.recaller.requests)
    wish = (b"x-memory-instructions", b"false")
    for _ in range(2):
        other = await asked.post(chat("Where is the hiking?"), headers=(LATER, wish))
        assert other.headers["x-memory-status"] == "injected"
        assert len(asked.recaller.requests) == recalls + 1
        assert b"not instructions" not in asked.upstream.requests[-1].body
    assert b"not instructions" in asked.upstream.requests[-3].body
