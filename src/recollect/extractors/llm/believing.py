"""From notes to claims: what has its evidence is kept, everything else is dropped and counted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from recollect.domain.memories import (
    USER,
    Attribute,
    Change,
    Claim,
    Entity,
    Evidence,
    Extraction,
    Relation,
    SessionSummary,
)
from recollect.extractors.base import EVIDENCE_ROLES
from recollect.extractors.instructions import is_instruction
from recollect.extractors.llm.evidence import find_quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recollect.domain.messages import StoredMessage
    from recollect.extractors.llm.prompt import Piece
    from recollect.extractors.llm.reading import Notes

LONGEST_VALUE = 400
LONGEST_NAME = 80
LONGEST_SHORT = 600
LONGEST_LONG = 2000
MOST_QUOTES = 4
MALFORMED = "malformed"
"""A field is missing, of the wrong type, or too long to be what it should be."""
UNKNOWN_MESSAGE = "unknown_message"
QUOTE_NOT_FOUND = "quote_not_found"
"""No user or assistant said so in the message that is named; of an entity: no message names it."""
UNKNOWN_ATTRIBUTE = "unknown_attribute"
INSTRUCTION = "instruction"
"""A relation, an entity or a summary that is shaped like an instruction."""
SUMMARY_WITHOUT_EVIDENCE = "summary_without_evidence"
_date = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:T.*)?")
_not_word = re.compile(r"[^\w]+")
_Kept = TypeVar("_Kept")


class _DroppedError(Exception):
    """Not believed; the message is the reason."""


@dataclass(slots=True)
class Believer:
    """Judges the notes of one piece of a conversation. ``dropped`` counts, by reason, what is not believed."""

    piece: Piece
    categories: Sequence[str]
    dropped: Counter[str] = field(default_factory=Counter)

    def judge(self, notes: Notes) -> Extraction:
        """What of the notes may be kept."""
        claims = tuple(self._believed(self._claim, notes.facts))
        entities = tuple(self._believed(self._entity, notes.entities))
        relations = tuple(self._believed(self._relation, notes.relations))
        summaries = self._believed(self._summary, [notes.summary] if any(notes.summary.values()) else [])
        return Extraction(claims, entities, relations, next(summaries, None), dict(self.dropped))

    def _believed(self, judge: Callable[[Any], _Kept], notes: Sequence[Any]) -> Iterator[_Kept]:
        for note in notes:
            try:
                yield judge(note)
            except _DroppedError as dropped:
                self.dropped[str(dropped)] += 1

    def _claim(self, note: Any) -> Claim:  # noqa: ANN401 - whatever the model wrote
        subject, value = _text(note, "subject", LONGEST_NAME), _text(note, "value", LONGEST_VALUE)
        if not value:
            raise _DroppedError(MALFORMED)
        attribute = _attribute(note)
        if attribute is None:
            raise _DroppedError(UNKNOWN_ATTRIBUTE)
        evidence = self._evidence(note)
        message = self._message(evidence)
        begins, ends = _begin_of(_text(note, "from")), _end_of(_text(note, "to"))
        change = _change(note)
        claim = Claim(
            subject=self._subject(subject, message),
            attribute=attribute,
            value=value,
            evidence=(evidence,),
            stated_at=message.occurred_at,
            change=change,
            valid_from=begins,
            valid_to=ends or (message.occurred_at if change is Change.ENDS else None),
            category=category if (category := _text(note, "category")) in self.categories else "",
        )
        return _as_quotation(claim) if _commands(subject, value, evidence.quote) else claim

    def _relation(self, note: Any) -> Relation:  # noqa: ANN401 - as above
        subject, obj = _text(note, "subject", LONGEST_NAME), _text(note, "object", LONGEST_NAME)
        relation = _not_word.sub("_", _text(note, "relation", LONGEST_NAME).casefold()).strip("_")
        if not subject or not obj or not relation:
            raise _DroppedError(MALFORMED)
        evidence = self._evidence(note)
        if _commands(subject, obj, relation.replace("_", " "), evidence.quote):
            raise _DroppedError(INSTRUCTION)
        message = self._message(evidence)
        change = _change(note)
        ends = _end_of(_text(note, "to"))
        return Relation(
            subject=self._subject(subject, message),
            relation=relation,
            object=self._subject(obj, message),
            evidence=(evidence,),
            stated_at=message.occurred_at,
            change=change,
            valid_from=_begin_of(_text(note, "from")),
            valid_to=ends or (message.occurred_at if change is Change.ENDS else None),
        )

    def _entity(self, note: Any) -> Entity:  # noqa: ANN401 - as above
        """An entity that the messages really name: mentions are looked for, not believed."""
        name = _text(note, "name", LONGEST_NAME)
        if not name:
            raise _DroppedError(MALFORMED)
        if _commands(name):
            raise _DroppedError(INSTRUCTION)
        told = note.get("aliases")
        listed = told if isinstance(told, list) else []
        aliases = tuple(
            dict.fromkeys(one.strip() for one in listed if isinstance(one, str) and self._mentions(one.strip()))
        )
        mentions = sorted({number for one in (name, *aliases) for number in self._mentions(one)})
        if not mentions:
            raise _DroppedError(QUOTE_NOT_FOUND)
        return Entity(name, tuple(mentions), tuple(one for one in aliases if one != name and not _commands(one)))

    def _mentions(self, name: str) -> list[Any]:
        if not name or len(name) > LONGEST_NAME:
            return []
        named = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        spoken = (one for one in self.piece.shown.values() if one.role in EVIDENCE_ROLES)
        return [one.number for one in spoken if named.search(one.text) or one.name == name]

    def _summary(self, note: Any) -> SessionSummary:  # noqa: ANN401 - as above
        short, long = _text(note, "short", LONGEST_SHORT), _text(note, "long", LONGEST_LONG)
        if not short and not long:
            raise _DroppedError(MALFORMED)
        if _commands(short, long):
            raise _DroppedError(INSTRUCTION)
        told = note.get("quotes")
        found = set(self._believed(self._evidence, told[:MOST_QUOTES] if isinstance(told, list) else []))
        if not found:
            raise _DroppedError(SUMMARY_WITHOUT_EVIDENCE)
        sentences = tuple(sorted(found, key=lambda one: (one.message, one.start)))
        return SessionSummary(sentences, short=short or long[:LONGEST_SHORT], long=long)

    def _evidence(self, note: Any) -> Evidence:  # noqa: ANN401 - as above
        number, quote = _number(note), _text(note, "quote")
        message = self.piece.shown.get(number) if number is not None else None
        if message is None:
            raise _DroppedError(MALFORMED if number is None else UNKNOWN_MESSAGE)
        found = find_quote(message, quote) if message.role in EVIDENCE_ROLES else None
        if found is None:
            raise _DroppedError(QUOTE_NOT_FOUND)
        return found

    def _message(self, evidence: Evidence) -> StoredMessage:
        return next(one for one in self.piece.shown.values() if one.number == evidence.message)

    def _subject(self, subject: str, message: StoredMessage) -> str:
        """``user`` as memories name them: by the name that their messages carry, where they carry one."""
        first, _, rest = subject.partition("'")
        if subject and first.casefold() not in {USER, "the user", "i", "me"}:
            return subject
        names = {one.name for one in self.piece.shown.values() if one.role == "user" and one.name}
        own = message.name if message.role == "user" else None
        speaker = own or (next(iter(names)) if len(names) == 1 else USER)
        return f"{speaker}'{rest}" if rest else speaker


def _as_quotation(claim: Claim) -> Claim:
    """Shaped like an instruction: something that was said, and no fact."""
    quote = claim.evidence[0].quote
    return Claim(
        subject=claim.subject,
        attribute=Attribute.NOTE,
        value=quote,
        evidence=claim.evidence,
        stated_at=claim.stated_at,
        is_quotation=True,
    )


def _commands(*texts: str) -> bool:
    return any(is_instruction(text) for text in texts)


def _attribute(note: Any) -> Attribute | None:  # noqa: ANN401 - as above
    try:
        return Attribute(_text(note, "attribute").casefold())
    except ValueError:
        return None


def _change(note: Any) -> Change:  # noqa: ANN401 - as above
    told = _text(note, "change").casefold()
    return next((one for one in Change if one.value == told), Change.STATES)


def _text(note: Any, name: str, longest: int | None = None) -> str:  # noqa: ANN401 - as above
    """A field as one line; "" where it is missing, no text, or too long to be what it should be."""
    value = note.get(name) if isinstance(note, dict) else None
    if not isinstance(value, str):
        return ""
    if longest is None:
        return value.strip()
    line = " ".join(value.split())
    return line if len(line) <= longest else ""


def _number(note: Any) -> int | None:  # noqa: ANN401 - as above
    value = note.get("message") if isinstance(note, dict) else None
    if isinstance(value, str) and value.strip("[] ").isascii() and value.strip("[] ").isdecimal():
        return int(value.strip("[] "))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _begin_of(text: str) -> datetime | None:
    span = _span_of(text)
    return span[0] if span else None


def _end_of(text: str) -> datetime | None:
    """The end of what is named: ``2026-04`` ends with April."""
    span = _span_of(text)
    return span[1] if span else None


def _span_of(text: str) -> tuple[datetime, datetime] | None:
    found = _date.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        begins = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
        if day:
            return begins, begins + timedelta(days=1)
        after = (begins.year, begins.month + 1) if month else (begins.year + 1, 1)
        behind = after if after[1] <= 12 else (after[0] + 1, 1)  # noqa: PLR2004 - December
        return begins, datetime(*behind, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
