"""One vault in memory: everything that ranking reads, in columns, brought up to date by sequence number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from recollect.recall.columns import Column, Ragged
from recollect.recall.derivation import Derived
from recollect.recall.indexer import lexical_row
from recollect.recall.languages import language_code
from recollect.recall.layout import Layout, lay_out
from recollect.recall.packed_states import packed_width
from recollect.recall.passages import split_message
from recollect.recall.postings import Postings
from recollect.recall.standing import Standing, standing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from recollect.stores.base import MessageRow, PassageRow, VaultDelta

VOCABULARY = 1 << 16
ZERO_BYTE = 128
DENSE_UNIT = np.float32(127)
"""A component of a dense vector is ``(byte - ZERO_BYTE) / DENSE_UNIT``: the store's signed bytes moved up, because
processors multiply unsigned bytes with signed ones."""
_WASTE_SHARE = 3
_LEAST_WASTE = 256


class Names:
    """Texts by small numbers, "" being 0."""

    def __init__(self) -> None:
        """Only the empty text."""
        self.texts: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}

    def number(self, text: str | None) -> int:
        """The number of a text, a new one where it is new."""
        found = self._numbers.get(text or "")
        if found is None:
            found = self._numbers[text or ""] = len(self.texts)
            self.texts.append(text or "")
        return found

    def find(self, text: str) -> int | None:
        """The number of a text, None where it is unknown."""
        return self._numbers.get(text)


@dataclass(slots=True)
class MessageColumns:
    """A row a message, in order of arrival."""

    number: Column[np.int64] = field(default_factory=lambda: Column(np.int64))
    session: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    depth: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    is_live: Column[np.bool_] = field(default_factory=lambda: Column(np.bool_))
    role: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    speaker: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    agent: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    occurred_ms: Column[np.int64] = field(default_factory=lambda: Column(np.int64))
    captured_ms: Column[np.int64] = field(default_factory=lambda: Column(np.int64))


@dataclass(slots=True)
class PassageColumns:
    """A row a passage, in order of arrival; ``is_current`` is false once a newer passage took its place."""

    message: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    piece: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    start: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    end: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    tokens: Column[np.int32] = field(default_factory=lambda: Column(np.int32))
    is_current: Column[np.bool_] = field(default_factory=lambda: Column(np.bool_))
    has_vectors: Column[np.bool_] = field(default_factory=lambda: Column(np.bool_))
    flags: Column[np.uint8] = field(default_factory=lambda: Column(np.uint8))
    terms: Ragged[np.uint32] = field(default_factory=lambda: Ragged(np.uint32))
    state_ids: Ragged[np.uint16] = field(default_factory=lambda: Ragged(np.uint16))
    days: Ragged[np.int32] = field(default_factory=lambda: Ragged(np.int32, 2))


class VaultIndex:
    """Holds a vault; ``apply`` takes deltas, ``layout`` is what signals read."""

    def __init__(self, model: str) -> None:
        """An empty vault. Vectors of another model than ``model`` are not used ("" uses none)."""
        self.model = model
        self._dimension = 0
        self.epoch = 0
        self.sequence = 0
        self.messages = MessageColumns()
        self.passages = PassageColumns()
        self.dense: Column[np.uint8] = Column(np.uint8)
        self.states: Ragged[np.uint8] = Ragged(np.uint8)
        self.token_counts = np.zeros(VOCABULARY, np.int64)
        self.called: Counter[tuple[int, int]] = Counter()
        """How often a speaker (by number) calls out a name (by hash)."""
        self._languages: set[int] = set()
        self.postings = Postings(self.passages.terms)
        self.roles, self.speakers, self.agents = Names(), Names(), Names()
        self.metadata: dict[int, str] = {}
        self._fingerprints: dict[bytes, list[int]] = {}
        self._row_of: dict[int, int] = {}
        self._passages_of: dict[int, list[int]] = {}
        self._layout: Layout | None = None
        self._standing: Standing | None = None
        self._text_bytes = 0

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes, the dictionaries estimated."""
        columns = [getattr(holder, name) for holder in (self.messages, self.passages) for name in holder.__slots__]
        per_row = 400
        return int(
            sum(column.nbytes for column in columns)
            + self.dense.nbytes
            + self.states.nbytes
            + self.postings.nbytes
            + self.token_counts.nbytes
            + per_row * len(self._row_of)
            + self._text_bytes
        )

    @property
    def has_vectors(self) -> bool:
        """Some passage has vectors of the model in use."""
        return bool(self.passages.has_vectors.view.any())

    @property
    def languages(self) -> list[int]:
        """Codes of the languages that passages are or were in."""
        return sorted(self._languages)

    @property
    def layout(self) -> Layout:
        """The live passages in order of session, place and piece."""
        if self._layout is None:
            self.postings.refresh()
            self._layout = lay_out(self.messages, self.passages)
        return self._layout

    @property
    def standing(self) -> Standing:
        """What each place of the layout is, whatever the question."""
        if self._standing is None:
            self._standing = standing_of(self, self.layout)
        return self._standing

    @property
    def is_wasteful(self) -> bool:
        """So many passages have been replaced that loading anew is worth it."""
        total = len(self.passages.is_current)
        dead = total - int(np.count_nonzero(self.passages.is_current.view))
        return dead > _LEAST_WASTE and dead * _WASTE_SHARE > total

    def rows_of(self, numbers: Iterable[int]) -> list[int]:
        """Message rows of some message numbers, unknown ones left out."""
        return [row for number in numbers if (row := self._row_of.get(number)) is not None]

    def rows_with(self, fingerprints: Iterable[bytes]) -> list[int]:
        """Message rows with one of some fingerprints."""
        return [row for mark in fingerprints for row in self._fingerprints.get(mark, ())]

    def session_of(self, numbers: Iterable[int]) -> int | None:
        """The session number of the first of some message numbers that is known."""
        rows = self.rows_of(numbers)
        return int(self.messages.session.view[rows[0]]) if rows else None

    def apply(self, delta: VaultDelta) -> None:
        """Take in what changed. A delta of another epoch must go to an empty index."""
        self.epoch, self.sequence = delta.epoch, delta.sequence
        if not delta.messages and not delta.passages:
            return
        self._put_messages(delta.messages)
        passages = [row for row in delta.passages if row.message_number in self._row_of]
        arrived = {row.message_number for row in passages}
        pending = [row for row in delta.messages if row.text is not None and row.number not in arrived and row.is_live]
        self._put_passages([*passages, *(piece for row in pending for piece in words_of(row))])
        self._layout = self._standing = None

    def _put_messages(self, rows: Sequence[MessageRow]) -> None:
        new = []
        for row in rows:
            known = self._row_of.get(row.number)
            if known is None:
                self._row_of[row.number] = len(self._row_of)
                self._fingerprints.setdefault(row.fingerprint, []).append(self._row_of[row.number])
                new.append(row)
            else:
                self.messages.is_live.view[known] = row.is_live
                self.messages.depth.view[known] = row.depth
            if row.metadata:
                self.metadata[self._row_of[row.number]] = row.metadata
                self._text_bytes += len(row.metadata)
        if not new:
            return
        columns = self.messages
        columns.number.extend(np.array([row.number for row in new], np.int64))
        columns.session.extend(np.array([row.session_number for row in new], np.int32))
        columns.depth.extend(np.array([row.depth for row in new], np.int32))
        columns.is_live.extend(np.array([row.is_live for row in new], np.bool_))
        columns.role.extend(np.array([self.roles.number(row.role) for row in new], np.int32))
        columns.speaker.extend(np.array([self.speakers.number(row.name) for row in new], np.int32))
        columns.agent.extend(np.array([self.agents.number(row.agent_id) for row in new], np.int32))
        columns.occurred_ms.extend(np.array([row.occurred_at_ms for row in new], np.int64))
        columns.captured_ms.extend(np.array([row.captured_at_ms for row in new], np.int64))

    def _put_passages(self, rows: Sequence[PassageRow]) -> None:
        if not rows:
            return
        first = len(self.passages.message)
        for offset, (number, pieces) in _by_message(rows):
            message = self._row_of[number]
            self._retire(self._passages_of.get(message, []))
            self._passages_of[message] = list(range(first + offset, first + offset + pieces))
        self._append_plain(rows)
        self._append_vectors(rows)

    def _retire(self, rows: list[int]) -> None:
        """Newer passages take the place of these."""
        if rows:
            self.passages.is_current.view[rows] = False
            ids, _ = self.passages.state_ids.gather(np.array(rows))
            self.token_counts -= np.bincount(ids, minlength=VOCABULARY)

    def _append_plain(self, rows: Sequence[PassageRow]) -> None:
        columns = self.passages
        derived = [Derived.from_bytes(row.extra) for row in rows]
        columns.message.extend(np.array([self._row_of[row.message_number] for row in rows], np.int32))
        columns.piece.extend(np.array([row.piece for row in rows], np.int32))
        columns.start.extend(np.array([row.start for row in rows], np.int32))
        columns.end.extend(np.array([row.end for row in rows], np.int32))
        columns.tokens.extend(np.array([row.tokens for row in rows], np.int32))
        columns.is_current.extend(np.ones(len(rows), np.bool_))
        self._languages.update(language_code(one.language) for one in derived)
        columns.flags.extend(np.array([one.flags for one in derived], np.uint8))
        columns.terms.extend(*_joined([row.terms for row in rows], "<u4", 4))
        for row, one in zip(rows, derived, strict=True):
            if one.addressed:
                speaker = int(self.messages.speaker.view[self._row_of[row.message_number]])
                self.called.update((speaker, name) for name in one.addressed)
        days = [(day.first, day.last) for one in derived for day in one.days]
        lengths = np.array([len(one.days) for one in derived], np.int64)
        columns.days.extend(np.array(days, np.int32).reshape(-1, 2), lengths)

    def _append_vectors(self, rows: Sequence[PassageRow]) -> None:
        if not self._dimension:
            self._learn_dimension(rows)
        usable = [bool(row.model == self.model and row.dense and len(row.dense) == self._dimension) for row in rows]
        self.passages.has_vectors.extend(np.array(usable, np.bool_))
        kept = [row if ok else row._replace(states=b"", state_ids=b"") for row, ok in zip(rows, usable, strict=True)]
        nothing = bytes(self._dimension)
        dense = b"".join(row.dense if ok else nothing for row, ok in zip(rows, usable, strict=True))
        width = packed_width(self._dimension)
        if self._dimension:
            self.dense.extend(np.frombuffer(dense, np.uint8).reshape(len(rows), self._dimension) ^ np.uint8(ZERO_BYTE))
            states, lengths = _joined([row.states for row in kept], "u1", width)
            self.states.extend(states.reshape(-1, width), lengths)
        ids, lengths = _joined([row.state_ids for row in kept], "<u2", 2)
        self.passages.state_ids.extend(ids, lengths)
        self.token_counts += np.bincount(ids, minlength=VOCABULARY)

    def _learn_dimension(self, rows: Sequence[PassageRow]) -> None:
        """Take the length of the vectors from the first that is of the model in use; what came before has none."""
        self._dimension = next((len(row.dense) for row in rows if row.dense and row.model == self.model), 0)
        if self._dimension:
            earlier = len(self.passages.has_vectors)
            width = packed_width(self._dimension)
            self.dense = Column(np.uint8, self._dimension)
            self.dense.extend(np.full((earlier, self._dimension), ZERO_BYTE, np.uint8))
            self.states = Ragged(np.uint8, width)
            self.states.extend(np.zeros((0, width), np.uint8), np.zeros(earlier, np.int64))


def words_of(row: MessageRow) -> list[PassageRow]:
    """The passages of a message that the worker has not reached yet: words, no vectors."""
    text = row.text or ""
    day = datetime.fromtimestamp(row.occurred_at_ms / 1000, UTC).date()
    return [
        lexical_row(text, row.name or "", passage, day, (row.number, piece))
        for piece, passage in enumerate(split_message(text))
    ]


def matches_metadata(metadata: str, wanted: dict[str, object]) -> bool:
    """Whether a message's metadata has all of some values."""
    found = orjson.loads(metadata)
    return isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items())


def _by_message(rows: Sequence[PassageRow]) -> list[tuple[int, tuple[int, int]]]:
    """Runs of passages of the same message as (offset of the run, (message number, pieces))."""
    runs, offset = [], 0
    for number, group in groupby(rows, key=lambda row: row.message_number):
        length = sum(1 for _ in group)
        runs.append((offset, (number, length)))
        offset += length
    return runs


def _joined(blobs: Sequence[bytes], dtype: str, width: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Blobs as one array, and how many rows of ``width`` bytes each had."""
    return np.frombuffer(b"".join(blobs), dtype), np.array([len(blob) // width for blob in blobs], np.int64)
