"""The rows of a vault index, a thousand to a statement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recollect.domain.ids import ID_BYTES
from recollect.stores.base import MessageRow, PassageRow

if TYPE_CHECKING:
    import sqlite3

    from recollect.domain.ids import VaultId
    from recollect.stores.sqlite.queries import Queries

CHUNK = 1000


class Loading:
    """Reads messages and passages of a vault: what changed after a sequence number, or (None) all of them."""

    def __init__(self, connection: sqlite3.Connection, queries: Queries, vault: VaultId, after: int | None) -> None:
        """Read within the transaction that is open on ``connection``."""
        self._connection = connection
        self._scope = "all" if after is None else "changed"
        self._sql = queries
        self._values = {"vault": vault, "after": after, "limit": CHUNK}

    def messages(self) -> list[MessageRow]:
        """In order of number."""
        rows: list[MessageRow] = []
        while True:
            behind = rows[-1].number if rows else 0
            document, fingerprints = self._chunk("messages", number=behind)
            found = json.loads(document)
            for index, row in enumerate(found):
                fingerprint = fingerprints[index * ID_BYTES : (index + 1) * ID_BYTES]
                rows.append(MessageRow._make((*row[:3], bool(row[3]), *row[4:9], fingerprint, *row[9:])))
            if len(found) < CHUNK:
                return rows

    def passages(self) -> list[PassageRow]:
        """In order of message and piece."""
        models = dict(self._connection.execute(self._sql["models"]).fetchall())
        rows: list[PassageRow] = []
        while True:
            behind = {"number": rows[-1].message_number, "piece": rows[-1].piece} if rows else {"number": 0, "piece": 0}
            document, *blobs = self._chunk("passages", **behind)
            found = json.loads(document)
            rows.extend(_cut(found, [blob or b"" for blob in blobs], models))
            if len(found) < CHUNK:
                return rows

    def _chunk(self, kind: str, **behind: int) -> tuple[Any, ...]:
        values = {**self._values, **behind}
        row: tuple[Any, ...] = self._connection.execute(self._sql[f"{self._scope}_{kind}"], values).fetchone()
        return row


def _cut(found: list[list[int]], blobs: list[bytes], models: dict[int, str]) -> list[PassageRow]:
    """Cut the joined blobs apart by their lengths."""
    terms, dense, states, state_ids, extra = blobs
    rows: list[PassageRow] = []
    at_terms = at_dense = at_states = at_ids = at_extra = 0
    for number, piece, start, end, tokens, model, of_terms, of_dense, of_states, of_ids, of_extra in found:
        rows.append(
            PassageRow(
                number,
                piece,
                start,
                end,
                tokens,
                models[model],
                terms[at_terms : at_terms + of_terms],
                dense[at_dense : at_dense + of_dense],
                states[at_states : at_states + of_states],
                state_ids[at_ids : at_ids + of_ids],
                extra[at_extra : at_extra + of_extra],
            )
        )
        at_terms += of_terms
        at_dense += of_dense
        at_states += of_states
        at_ids += of_ids
        at_extra += of_extra
    return rows
