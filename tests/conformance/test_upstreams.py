"""Every upstream keeps the promise of ``providers/base.py``, shown against a real HTTP server."""

from __future__ import annotations

import asyncio
import zlib

import brotli
import pytest
import zstandard

from recollect.errors import UpstreamBrokenError, UpstreamConnectError, UpstreamTimeoutError
from recollect.providers.base import UpstreamRequest
from recollect.providers.http_upstream import HttpUpstream, Timeouts
from recollect.providers.retries import RetryingUpstream, RetryPolicy
from recollect.testing.scripted_provider import SPEECH, Script, ScriptedProvider

PLAIN = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}'
STREAM = b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
HEADERS = ((b"content-type", b"application/json"), (b"authorization", b"Bearer sk-1"))


def http_upstream(timeouts):
    return HttpUpstream(timeouts)


def retrying_upstream(timeouts):
    return RetryingUpstream(HttpUpstream(timeouts), RetryPolicy(tries=2, base_s=0.0))


UPSTREAMS = [http_upstream, retrying_upstream]


@pytest.fixture(params=UPSTREAMS, ids=lambda make: make.__name__)
async def make_upstream(request):
    made = []

    def make(timeouts=None):
        made.append(request.param(timeouts or Timeouts(connect_s=2, head_s=5, idle_s=5)))
        return made[-1]

    yield make
    for upstream in made:
        await upstream.close()


@pytest.fixture
async def provider():
    async with ScriptedProvider() as running:
        yield running


def post(provider, body=PLAIN, headers=HEADERS, path="/chat/completions"):
    return UpstreamRequest("POST", provider.base_url + path, headers, body)


async def read(reply):
    try:
        return b"".join([chunk async for chunk in reply.chunks()])
    finally:
        await reply.close()


async def drain(chunks):
    async for _ in chunks:
        pass


async def test_a_request_arrives_as_it_was_given(make_upstream, provider):
    headers = (*HEADERS, (b"x-one", b"1"), (b"x-two", b"a"), (b"x-two", b"b"), (b"x-utf8", "ü".encode()))
    await read(await make_upstream().send(post(provider, headers=headers, path="/chat/completions?a=%20b&c=%2F")))
    received = provider.last
    assert (received.method, received.path) == ("POST", "/v1/chat/completions?a=%20b&c=%2F")
    assert received.body == PLAIN
    sent = {name.lower() for name, _ in received.headers}
    assert sent == {"host", "content-length", "content-type", "authorization", "x-one", "x-two", "x-utf8"}
    assert [value for name, value in received.headers if name == "x-two"] == ["a", "b"]
    assert received.header("x-utf8").encode("latin-1").decode() == "ü"


async def test_a_plain_reply(make_upstream, provider):
    reply = await make_upstream().send(post(provider))
    headers = dict(reply.headers)
    body = await read(reply)
    assert reply.status == 200
    assert b"Hello! How can I help?" in body
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-request-id"] == b"req_scripted_1"
    assert headers[b"content-length"] == str(len(body)).encode()
    assert all(name == name.lower() for name in headers)
    assert b"transfer-encoding" not in headers
    assert b"connection" not in headers


async def test_repeated_response_headers_stay_apart(make_upstream, provider):
    provider.then(Script(headers=(("Set-Cookie", "a=1"),)))
    upstream = make_upstream()
    reply = await upstream.send(post(provider))
    await read(reply)
    assert (b"set-cookie", b"a=1") in reply.headers
    await read(await upstream.send(post(provider)))
    assert provider.last.header("cookie") is None


async def test_a_stream_comes_as_it_is_written(make_upstream, provider):
    provider.then(Script(pieces=4, delay_s=0.02))
    reply = await make_upstream().send(post(provider, STREAM))
    chunks = [chunk async for chunk in reply.chunks()]
    await reply.close()
    assert len(chunks) > 4
    assert b"".join(chunks).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("encoding", "decode"),
    [
        ("gzip", lambda data: zlib.decompress(data, 31)),
        ("deflate", zlib.decompress),
        ("br", brotli.decompress),
        ("zstd", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ],
)
async def test_compressed_bodies_stay_compressed(make_upstream, provider, encoding, decode):
    provider.then(Script(encoding=encoding))
    reply = await make_upstream().send(post(provider, STREAM))
    body = await read(reply)
    assert (b"content-encoding", encoding.encode()) in reply.headers
    assert decode(body).endswith(b"data: [DONE]\n\n")


async def test_an_error_status_is_a_reply(make_upstream, provider):
    provider.then(*[Script(status=429, headers=(("Retry-After", "0"),))] * 4)
    reply = await make_upstream().send(post(provider))
    assert reply.status == 429
    assert dict(reply.headers)[b"retry-after"] == b"0"
    assert b"scripted 429" in await read(reply)


async def test_binary_replies_and_no_body(make_upstream, provider):
    upstream = make_upstream()
    speech = await upstream.send(post(provider, path="/audio/speech"))
    assert await read(speech) == SPEECH
    models = await upstream.send(UpstreamRequest("GET", provider.base_url + "/models", ()))
    assert b"gpt-4o-mini" in await read(models)
    assert [name.lower() for name, _ in provider.last.headers] == ["host"]


async def test_redirects_are_replies(make_upstream, provider):
    provider.then(Script(status=307, raw=b"", headers=(("Location", "http://127.0.0.1:1/"),)))
    reply = await make_upstream().send(post(provider))
    assert reply.status == 307
    await reply.close()
    assert len(provider.requests) == 1


async def test_an_upload_is_streamed(make_upstream, provider):
    async def pieces():
        for number in range(50):
            yield bytes([number]) * 1000
            await asyncio.sleep(0)

    headers = ((b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"50000"))
    await read(await make_upstream().send(UpstreamRequest("POST", provider.base_url + "/files", headers, pieces())))
    assert provider.last.body == b"".join(bytes([number]) * 1000 for number in range(50))
    assert provider.last.header("content-length") == "50000"
    assert provider.last.header("transfer-encoding") is None


async def test_an_upload_of_unknown_length_is_chunked(make_upstream, provider):
    async def pieces():
        yield b"one"
        yield b"two"

    await read(await make_upstream().send(UpstreamRequest("POST", provider.base_url + "/files", (), pieces())))
    assert provider.last.body == b"onetwo"
    assert provider.last.header("transfer-encoding") == "chunked"


async def test_a_large_body_arrives_whole(make_upstream, provider):
    body = b'{"model": "gpt-4o", "messages": [], "pad": "' + b"x" * 3_000_000 + b'"}'
    await read(await make_upstream().send(post(provider, body)))
    assert provider.last.body == body
    assert provider.last.header("content-length") == str(len(body))


async def test_a_long_line_passes(make_upstream, provider):
    provider.then(Script(text="y" * 1_000_000, pieces=1))
    assert (await read(await make_upstream().send(post(provider, STREAM)))).count(b"y" * 1_000_000) == 1


async def test_nobody_there(make_upstream, unused_tcp_port):
    with pytest.raises(UpstreamConnectError, match=f"127.0.0.1:{unused_tcp_port}"):
        await make_upstream().send(UpstreamRequest("POST", f"http://127.0.0.1:{unused_tcp_port}/v1", (), b"{}"))


async def test_an_unknown_name(make_upstream):
    with pytest.raises(UpstreamConnectError, match="resolved"):
        await make_upstream().send(UpstreamRequest("POST", "http://no-such-host.invalid/v1", (), b"{}"))


async def test_no_answer_in_time(make_upstream, provider):
    provider.script = Script(hang="before_head")
    with pytest.raises(UpstreamTimeoutError, match=str(provider.port)) as caught:
        await make_upstream(Timeouts(head_s=0.1)).send(post(provider))
    assert "sk-1" not in caught.value.message


@pytest.mark.parametrize("body", [PLAIN, STREAM], ids=["plain", "stream"])
async def test_a_reply_that_breaks_off(make_upstream, provider, body):
    provider.then(Script(cut_after=2))
    reply = await make_upstream().send(post(provider, body))
    chunks = reply.chunks()
    assert await anext(chunks)
    with pytest.raises(UpstreamBrokenError, match="broke off"):
        await drain(chunks)
    await reply.close()


@pytest.mark.parametrize("body", [PLAIN, STREAM], ids=["plain", "stream"])
async def test_a_reply_that_goes_silent(make_upstream, provider, body):
    provider.script = Script(hang="after_head")

    async def send_and_read():
        return await read(await make_upstream(Timeouts(head_s=5, idle_s=0.1)).send(post(provider, body)))

    with pytest.raises(UpstreamBrokenError, match="silent"):
        await send_and_read()


async def test_closing_early_is_noticed_by_the_provider(make_upstream, provider):
    provider.then(Script(pieces=20, delay_s=0.05))
    reply = await make_upstream().send(post(provider, STREAM))
    async for _ in reply.chunks():
        break
    await reply.close()
    await reply.close()
    assert await provider.last.client_left()


async def test_cancelling_before_the_head_is_noticed_by_the_provider(make_upstream, provider):
    provider.then(Script(hang="before_head"))
    sending = asyncio.create_task(make_upstream().send(post(provider)))
    assert await provider.arrived()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert await provider.last.client_left()


async def test_many_at_once(make_upstream, provider):
    upstream = make_upstream()
    provider.script = Script(text=lambda received: received.json()["messages"][0]["content"])

    async def ask(number):
        body = b'{"model": "m", "messages": [{"role": "user", "content": "n%d."}]}' % number
        return await read(await upstream.send(post(provider, body)))

    answers = await asyncio.gather(*(ask(number) for number in range(40)))
    assert all(b"n%d." % number in answer for number, answer in enumerate(answers))
