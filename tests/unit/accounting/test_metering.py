"""A reply that keeps a copy."""

from __future__ import annotations

import gzip

import pytest

from recollect.accounting.metering import MAX_KEPT_BYTES, MeteredReply
from recollect.errors import UpstreamBrokenError

STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
WORDS = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
COUNT = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
DONE = b"data: [DONE]\n\n"


class Answer:
    def __init__(self, chunks, headers=(STREAM,), error=None):
        self.status, self.headers, self.closed = 200, tuple(headers), 0
        self._chunks, self._error = chunks, error

    async def chunks(self):
        for chunk in self._chunks:
            yield chunk
        if self._error:
            raise self._error

    async def close(self):
        self.closed += 1


async def read(metered):
    return [chunk async for chunk in metered.chunks()]


async def test_what_passes_is_heard_once_the_reply_is_closed():
    heard = []
    answer = Answer([WORDS, COUNT, DONE])
    metered = MeteredReply(answer, lambda reply: heard.append(reply.heard()), strips=False)
    assert await read(metered) == [WORDS, COUNT, DONE]
    assert heard == []
    await metered.close()
    await metered.close()
    assert (heard, answer.closed) == ([WORDS + COUNT + DONE], 2)


async def test_a_count_that_we_asked_for_is_heard_and_not_passed():
    heard = []
    metered = MeteredReply(Answer([WORDS, COUNT, DONE]), lambda reply: heard.append(reply.heard()), strips=True)
    assert await read(metered) == [WORDS, DONE]
    await metered.close()
    assert heard == [WORDS + COUNT + DONE]


async def test_a_compressed_stream_is_opened_to_take_the_count_out():
    whole = gzip.compress(WORDS + COUNT + DONE)
    answer = Answer([whole[:20], whole[20:]], [STREAM, (b"content-encoding", b"gzip"), (b"x", b"y")])
    metered = MeteredReply(answer, lambda _: None, strips=True)
    assert metered.headers == (STREAM, (b"x", b"y"))
    assert b"".join(await read(metered)) == WORDS + DONE


async def test_a_compressed_reply_passes_compressed_where_nothing_is_taken_out():
    heard = []
    fields = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
    whole = gzip.compress(b'{"usage":{}}')
    metered = MeteredReply(Answer([whole], fields), lambda reply: heard.append(reply.heard()), strips=True)
    assert metered.headers == tuple(fields)
    assert await read(metered) == [whole]
    await metered.close()
    assert heard == [b'{"usage":{}}']


async def test_a_stream_that_breaks_off_passes_what_was_held_first():
    metered = MeteredReply(Answer([WORDS, b"data: {"], error=UpstreamBrokenError("gone")), lambda _: None, strips=True)
    chunks = metered.chunks()
    assert [await anext(chunks), await anext(chunks)] == [WORDS, b"data: {"]
    with pytest.raises(UpstreamBrokenError):
        await anext(chunks)


async def test_of_a_long_reply_the_end_is_kept():
    heard = []
    chunks = [b"a" * 1_000_000] * 5 + [b"the end"]
    metered = MeteredReply(Answer(chunks), lambda reply: heard.append(reply.heard()), strips=False)
    await read(metered)
    await metered.close()
    assert len(heard[0]) <= MAX_KEPT_BYTES
    assert heard[0].endswith(b"the end")
