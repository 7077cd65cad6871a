"""The SDKs on a server that does nothing but pass their requests to the bridges."""

from __future__ import annotations

from contextlib import asynccontextmanager

import openai
from aiohttp import web

from recollect.errors import ApiError
from recollect.providers.base import UpstreamRequest
from recollect.wire.error_envelope import error_body


@asynccontextmanager
async def sdk_through(upstream, provider, make=openai.AsyncOpenAI):
    async def handle(request):
        names = ("authorization", "x-api-key", "anthropic-version", "anthropic-beta")
        sent = tuple((name.encode(), request.headers[name].encode()) for name in names if name in request.headers)
        headers = ((b"content-type", b"application/json"), *sent)
        url = provider.base_url + request.path_qs.removeprefix("/v1")
        try:
            reply = await upstream.send(UpstreamRequest(request.method, url, headers, await request.read()))
        except ApiError as error:
            return web.Response(
                status=error.status, body=error_body(error, request.path[4:]), content_type="application/json"
            )
        kept = {name.decode(): value.decode() for name, value in reply.headers if name != b"content-length"}
        answer = web.StreamResponse(status=reply.status, headers=kept)
        await answer.prepare(request)
        try:
            async for chunk in reply.chunks():
                await answer.write(chunk)
        finally:
            await reply.close()
        return answer

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    base_url = f"{root}/v1" if make is openai.AsyncOpenAI else root
    async with make(base_url=base_url, api_key="sk-ant-1", max_retries=0) as made:
        yield made
    await runner.cleanup()
