"""OpenAI's SDK on a server that does nothing but pass its requests to the bridges."""

from __future__ import annotations

from contextlib import asynccontextmanager

import openai
from aiohttp import web

from recollect.errors import ApiError
from recollect.providers.base import UpstreamRequest
from recollect.wire.error_envelope import error_body


@asynccontextmanager
async def sdk_through(upstream, provider):
    async def handle(request):
        headers = (
            (b"content-type", b"application/json"),
            (b"authorization", request.headers["authorization"].encode()),
        )
        url = provider.base_url + request.path.removeprefix("/v1")
        try:
            reply = await upstream.send(UpstreamRequest(request.method, url, headers, await request.read()))
        except ApiError as error:
            return web.Response(status=error.status, body=error_body(error), content_type="application/json")
        kept = {name.decode(): value.decode() for name, value in reply.headers if name != b"content-length"}
        answer = web.StreamResponse(status=reply.status, headers=kept)
        await answer.prepare(request)
        async for chunk in reply.chunks():
            await answer.write(chunk)
        return answer

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    async with openai.AsyncOpenAI(base_url=base_url, api_key="sk-ant-1", max_retries=0) as made:
        yield made
    await runner.cleanup()
