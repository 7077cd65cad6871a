"""``GET /v1/memory/usage``: what exchanges took, by day, key, user, provider and model."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.keys import KeyKind
from recollect.domain.usage import UsageGroup, UsageQuery, sum_of
from recollect.server.call import json_response, refused
from recollect.wire.usage_objects import usage_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.server.call import Call, CallReader, Fields

FIELDS = frozenset({"from", "to", "group_by", "key", "model"})


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def usage(request: Request) -> Response:
        """An admin key sees its project; any other its own part: a client key that of the key, a vault key its
        user's."""
        call = await calls.read(request, FIELDS)
        query = parse(call)
        await call.gateway.book.flush()
        lines = await call.gateway.store.usage.usage(query)
        whole = sum_of(line.counts for line in lines)
        data = [usage_object(line.counts, line.group) for line in lines]
        return json_response({"object": "list", "data": data, "total": usage_object(whole)})

    return [Route("/memory/usage", usage, methods=["GET"])]


def parse(call: Call) -> UsageQuery:
    """What is asked for, within what the key may see."""
    fields, principal = call.fields, call.principal
    key, user = fields.optional_text("key"), call.controls.user
    if principal.kind is KeyKind.VAULT:
        user = call.user
    elif principal.kind is KeyKind.CLIENT:
        key = principal.key_id
    return UsageQuery(
        principal.project,
        first=_day(fields, "from"),
        last=_day(fields, "to"),
        group_by=_groups(fields),
        key=key,
        user=user,
        model=fields.optional_text("model"),
    )


def _day(fields: Fields, name: str) -> date | None:
    """A day, or the day (UTC) of a time."""
    text = fields.optional_text(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        at = fields.time(name)
    return (at or datetime.now(UTC)).astimezone(UTC).date()


def _groups(fields: Fields) -> frozenset[UsageGroup]:
    text = fields.optional_text("group_by")
    if text is None:
        return frozenset({UsageGroup.DAY})
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = {one.value for one in UsageGroup}
    if not known.issuperset(names):
        raise refused(param="group_by", expected=f"one or more of {', '.join(UsageGroup)}", code="invalid_group")
    return frozenset(map(UsageGroup, names))
