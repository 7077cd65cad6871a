from __future__ import annotations

import re

from recollect.server.call import CONTROL_FIELDS, CallReader
from recollect.server.openapi import openapi_document
from recollect.server.openapi.document import OPENAI_ROUTES
from recollect.server.openapi.schemas import components
from recollect.server.routes import conflicts, editing, ingest, keys, own_routes, prepare, reading, search
from recollect.wire.dialects import DIALECTS


def spelled(path):
    bare = re.sub(r"\{(\w+):path\}", r"{\1}", path)
    return "/v1" + bare if bare.startswith("/memory") else bare


async def test_every_route_is_described_and_nothing_else(app):
    described = {
        (method.upper(), path)
        for path, operations in openapi_document()["paths"].items()
        for method in operations
        if path not in {route[1] for route in OPENAI_ROUTES}
    }
    served = {
        (method, spelled(route.path))
        for route in own_routes(CallReader(app))
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert described == served


def test_every_dialect_is_described():
    paths = openapi_document()["paths"]
    assert all(f"/v1/{dialect}" in paths for dialect in DIALECTS)


def test_every_reference_leads_somewhere():
    document = openapi_document()
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert named == set(components())


def test_operation_ids_are_unique():
    found = [one["operationId"] for operations in openapi_document()["paths"].values() for one in operations.values()]
    assert len(found) == len(set(found))


def test_every_field_of_a_request_is_described():
    for schema, fields in (
        ("IngestRequest", ingest.FIELDS),
        ("SearchRequest", search.FIELDS),
        ("PrepareRequest", prepare.FIELDS),
        ("KeyRequest", keys.FIELDS),
        ("MemoryRequest", editing.FIELDS),
        ("ConflictAnswer", conflicts.FIELDS),
        ("ProcessRequest", reading.PROCESS_FIELDS),
        ("ReprocessRequest", reading.FIELDS),
    ):
        assert set(components()[schema]["properties"]) == fields | CONTROL_FIELDS
