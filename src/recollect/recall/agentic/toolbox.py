"""What the tools do: each looks something up in one vault and puts it on the desk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from recollect.domain.chat import estimate_tokens
from recollect.domain.ids import SessionNumber, digest16
from recollect.domain.recall import Hit, Source, Strategy
from recollect.errors import NotFoundError
from recollect.recall.agentic.desk import LONGEST_ENTRY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from recollect.domain.ids import VaultId
    from recollect.domain.memories import Evidence, Memory, Relation
    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import RecallRequest, RecallResult
    from recollect.recall.agentic.desk import Desk
    from recollect.remembering.knowledge import VaultKnowledge
    from recollect.stores.base import MessageStore, SessionStore

    Found = tuple[str, int]
    Look = Callable[[Mapping[str, object]], Awaitable[Found]]

SEARCHED = 8
LISTED = 15
READ = 30
LINKED = 12
LONGEST_PASSAGE = 1000
LINE_TOKENS = 4


class BadArgumentsError(ValueError):
    """The model's arguments cannot be used; the message tells it why."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of one browsing. StoreUnavailableError passes."""

    vault: VaultId
    request: RecallRequest
    desk: Desk
    recall: Callable[[VaultId, RecallRequest], Awaitable[RecallResult]]
    sessions: SessionStore
    messages: MessageStore
    known: VaultKnowledge

    async def use(self, name: str, arguments: str) -> Found:
        """The answer of one tool, in words for the model, and how many entries it shows."""
        looks: Mapping[str, Look] = {
            "search": self._search,
            "list_sessions": self._list_sessions,
            "read_session": self._read_session,
            "memories_of": self._memories_of,
            "neighbours": self._neighbours,
            "timeline": self._timeline,
        }
        look = looks.get(name)
        if look is None:
            return f"There is no tool of that name. There are: {', '.join(looks)}, inject.", 0
        try:
            return await look(read_arguments(arguments))
        except BadArgumentsError as error:
            return f"That cannot be done: {error}", 0

    async def candidates(self, result: RecallResult) -> Found:
        """What is shown before the model asks for anything: the best of an ordinary search."""
        return self.desk.show(result.ranking[:SEARCHED])

    @property
    def _at(self) -> datetime:
        return self.request.as_of or self.request.now or datetime.now(UTC)

    async def _search(self, given: Mapping[str, object]) -> Found:
        since, until = _day(given, "from"), _day(given, "to")
        bounds = self.request
        until = until + timedelta(days=1) if until else None
        asked = replace(
            plain(self.request),
            query=_text(given, "query"),
            context=(),
            limit=SEARCHED,
            since=max((one for one in (since, bounds.since) if one), default=None),
            until=min((one for one in (until, bounds.until) if one), default=None),
        )
        return self.desk.show((await self.recall(self.vault, asked)).ranking)

    async def _list_sessions(self, given: Mapping[str, object]) -> Found:
        before = given.get("before")
        number = SessionNumber(before) if isinstance(before, int) and not isinstance(before, bool) else None
        lines: list[str] = []
        for one in await self.sessions.list_sessions(self.vault, limit=LISTED, before=number):
            shown = await self._spoken(one.number, limit=READ)
            if not shown:
                continue
            days = f"{one.started_at:%Y-%m-%d} to {shown[-1].occurred_at:%Y-%m-%d}"
            lines.append(f"session {one.number}, {days}{await self._about(one.number)}")
        return "\n".join(lines) or "Nothing.", len(lines)

    async def _about(self, session: SessionNumber) -> str:
        """A session's summary, where all that it rests on may be seen."""
        summary = self.known.summaries.get(session)
        if summary is None or not summary.sentences:
            return ""
        told = await self._told(summary.sentences)
        if not all(self.desk.may_see(source.message) for source in told) or not told:
            return ""
        return ": " + " ".join(summary.text.split())[:LONGEST_ENTRY]

    async def _read_session(self, given: Mapping[str, object]) -> Found:
        session = given.get("session")
        if not isinstance(session, int) or isinstance(session, bool):
            what = "`session` must be a number that list_sessions or an entry shows."
            raise BadArgumentsError(what)
        before = given.get("before")
        number = before if isinstance(before, int) and not isinstance(before, bool) else None
        edge = self.desk.hits.get(number) if number is not None else None
        depth = edge.message.depth if edge is not None and edge.message.session_number == session else None
        spoken = await self._spoken(SessionNumber(session), limit=READ, before_depth=depth)
        return self.desk.show(_passage(message) for message in spoken)

    async def _spoken(
        self, session: SessionNumber, *, limit: int, before_depth: int | None = None
    ) -> list[StoredMessage]:
        try:
            found = await self.messages.session_messages(self.vault, session, limit=limit, before_depth=before_depth)
        except NotFoundError:
            return []
        return [one for one in found if self.desk.may_see(one) and one.text.strip()]

    async def _memories_of(self, given: Mapping[str, object]) -> Found:
        about = _text(given, "about")
        found = [one for one in self.known.timeline.at(self._at) if _is_about(one, about)]
        return self.desk.show([hit for one in found if (hit := await self._memory(one, one.text)) is not None])

    async def _timeline(self, given: Mapping[str, object]) -> Found:
        about = _text(given, "about")
        found = [one for one in self.known.timeline.believed() if _is_about(one, about)]
        found.sort(key=lambda one: one.valid_from or one.stated_at)
        hits = [await self._memory(one, f"{one.text} ({_span(one)})") for one in found]
        return self.desk.show([hit for hit in hits if hit is not None])

    async def _memory(self, one: Memory, statement: str) -> Hit | None:
        """None for what is not to be recalled."""
        if one.is_quotation or one.is_withheld or (one.expires_at is not None and one.expires_at <= self._at):
            return None
        return _hit(statement, one.id, await self._told(one.evidence))

    async def _neighbours(self, given: Mapping[str, object]) -> Found:
        names = self._names(_text(given, "entity"))
        linked = [one for one in self.known.relations if {one.subject.casefold(), one.object.casefold()} & names]
        hits = [
            hit
            for one in linked[:LINKED]
            if (hit := _hit(_sentence(one), _relation_id(one), await self._told(one.evidence))) is not None
        ]
        text, count = self.desk.show(hits)
        beside = [
            other
            for one in self.known.co_occurrences
            for other in (one.first, one.second)
            if {one.first.casefold(), one.second.casefold()} & names and other.casefold() not in names
        ]
        if beside and not self.request.filters and self.request.agent_id is None and self.request.as_of is None:
            text += f"\nOften named together with: {', '.join(dict.fromkeys(beside[:LINKED]))}"
        return text, count

    def _names(self, entity: str) -> set[str]:
        """An entity's name and its aliases, in small letters."""
        wanted = entity.casefold()
        for one in self.known.entities:
            names = {one.name.casefold(), *(alias.casefold() for alias in one.aliases)}
            if wanted in names:
                return names
        return {wanted}

    async def _told(self, evidence: Sequence[Evidence]) -> tuple[Source, ...]:
        """The sources, where every one of them is still there."""
        told = await self.messages.messages(self.vault, [one.message for one in evidence])
        by_number = {message.number: message for message in told}
        if any(one.message not in by_number for one in evidence):
            return ()
        return tuple(Source(by_number[one.message], one.quote) for one in evidence)


def plain(request: RecallRequest) -> RecallRequest:
    """The request as an ordinary search, without what is included whatever its relevance."""
    return replace(
        request,
        strategy=Strategy.BALANCED,
        min_hits=0,
        recent_messages=0,
        last_n_messages=0,
        last_n_summaries=0,
        summaries_threshold=None,
        model=None,
        on_progress=None,
    )


def read_arguments(arguments: str) -> dict[str, object]:
    """A tool's arguments. BadArgumentsError where they are no JSON object."""
    try:
        found = orjson.loads(arguments or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        what = "the arguments must be a JSON object."
        raise BadArgumentsError(what)
    return found


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        what = f"`{name}` must be some text."
        raise BadArgumentsError(what)
    return value.strip()


def _day(given: Mapping[str, object], name: str) -> datetime | None:
    value = given.get(name)
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        what = f"`{name}` must be a day, as YYYY-MM-DD."
        raise BadArgumentsError(what) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_about(one: Memory, about: str) -> bool:
    wanted = about.casefold()
    return wanted in one.subject.casefold() or wanted in one.text.casefold() or one.subject.casefold() in wanted.split()


def _span(one: Memory) -> str:
    since = f"since {one.valid_from:%Y-%m-%d}" if one.valid_from else f"said {one.stated_at:%Y-%m-%d}"
    return f"{since}, until {one.valid_to:%Y-%m-%d}" if one.valid_to else since


def _sentence(one: Relation) -> str:
    words = f"{one.subject} {one.relation.replace('_', ' ')} {one.object}"
    ends = f" (until {one.valid_to:%Y-%m-%d})" if one.valid_to else ""
    return f"{words}{ends}"


def _relation_id(one: Relation) -> str:
    ends = (one.subject.encode(), one.relation.encode(), one.object.encode())
    return f"rel_{digest16(*ends)[:8].hex()}"


def _passage(message: StoredMessage) -> Hit:
    end = min(len(message.text), LONGEST_PASSAGE)
    tokens = estimate_tokens(message.text[:end]) + LINE_TOKENS
    return Hit("passage", message, 0, end, score=1.0, tokens=tokens)


def _hit(statement: str, identifier: str, sources: Iterable[Source]) -> Hit | None:
    told = tuple(sources)
    if not told:
        return None
    newest = max((source.message for source in told), key=lambda message: message.occurred_at)
    tokens = estimate_tokens(statement) + LINE_TOKENS
    return Hit("memory", newest, 0, len(newest.text), 1.0, tokens, id=identifier, statement=statement, sources=told)
