"""``X-Memory-Verbose``: the recalled memories, added to a JSON reply that stays the provider's otherwise."""

from __future__ import annotations

from recollect.errors import InvalidRequestError
from recollect.wire.json_document import Edit, JsonDocument

_KEY = "metadata"


def add_memories(body: bytes, memories: str) -> bytes:
    """The reply with ``metadata.memories`` set to the JSON text ``memories``.

    An existing ``metadata`` object is added to. A body that is no JSON object, or whose ``metadata`` or
    ``metadata.memories`` is something of the provider's own, is returned as it is.
    """
    try:
        document = JsonDocument.parse(body)
    except InvalidRequestError:
        return body
    member = f'"memories":{memories}'
    place = document.member(_KEY)
    if place is None:
        end = document.text.rindex("}")
        comma = "," if document.members else ""
        return document.splice([Edit(end, end, f'{comma}"{_KEY}":{{{member}}}')])
    if place.value is None:
        return document.splice([Edit(place.value_start, place.value_end, f"{{{member}}}")])
    if not isinstance(place.value, dict) or "memories" in place.value:
        return body
    end = place.value_end - 1
    return document.splice([Edit(end, end, f"{',' if place.value else ''}{member}")])
