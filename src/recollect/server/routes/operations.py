"""``/healthz``, ``/readyz``, ``/metrics``, ``/openapi.json``: for those who run the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from recollect.errors import StoreUnavailableError
from recollect.server.call import json_response
from recollect.server.exposition import Gauge, exposition
from recollect.server.openapi import openapi_document
from recollect.server.usage_metrics import ledger_gauges

if TYPE_CHECKING:
    from starlette.requests import Request

    from recollect.server.call import CallReader


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def root(_request: Request) -> Response:
        return json_response(
            {
                "object": "gateway",
                "name": "recollect",
                "base_url": "/v1",
                "memory": "/v1/memory",
                "openapi": "/openapi.json",
                "ready": "/readyz",
            }
        )

    async def health(_request: Request) -> Response:
        """The process answers."""
        return json_response({"status": "ok"})

    async def ready(_request: Request) -> Response:
        """Requests are served with memory; 503 and the reasons otherwise."""
        found = await calls.app.gateway.readiness()
        return json_response(
            {
                "status": "not ready" if found.problems else "ready",
                "embedder": found.embedder,
                "recall": "lexical" if found.embedder == "none" else "full",
                "spooled": found.spooled,
                "problems": list(found.problems),
                "notes": list(found.notes),
            },
            status=503 if found.problems else 200,
        )

    async def metrics(request: Request) -> Response:
        """In the text format, or in OpenMetrics where ``Accept`` asks for it."""
        body, content_type = exposition(calls.app.counters, await _state(calls), request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    async def openapi(_request: Request) -> Response:
        return json_response(openapi_document())

    return [
        Route("/", root, methods=["GET"]),
        Route("/healthz", health, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/openapi.json", openapi, methods=["GET"]),
    ]


async def _state(calls: CallReader) -> list[Gauge]:
    """How far the background is behind. Without the store, only what is known without it."""
    gateway = calls.app.gateway
    readiness = await gateway.readiness()
    gauges = [
        Gauge("recollect_spooled", "Captures that wait for the store.", readiness.spooled),
        Gauge(
            "recollect_upstreams_resting",
            "Upstreams that are left alone for a while, because they failed.",
            label="provider",
            samples=readiness.resting,
        ),
        *ledger_gauges(gateway.book.total),
    ]
    try:
        backlog = await gateway.store.jobs.backlog()
    except StoreUnavailableError:
        return gauges
    return [
        *gauges,
        Gauge("recollect_jobs_waiting", "Background jobs that wait.", backlog.waiting),
        Gauge("recollect_jobs_leased", "Background jobs that run.", backlog.leased),
        Gauge("recollect_jobs_dead", "Background jobs that failed for good.", backlog.dead),
    ]
