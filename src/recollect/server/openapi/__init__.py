"""The gateway's own description, as ``/openapi.json`` serves it."""

from recollect.server.openapi.document import openapi_document

__all__ = ["openapi_document"]
