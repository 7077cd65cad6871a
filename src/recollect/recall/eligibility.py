"""Which places of a vault a request may see at all."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.vault_index import matches_metadata

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from recollect.domain.recall import RecallRequest
    from recollect.recall.vault_index import VaultIndex

_HIDDEN_ROLES = ("system", "developer")
"""Instructions of the application are kept, but they are no memory of a person."""


def eligible_places(index: VaultIndex, request: RecallRequest) -> NDArray[np.bool_]:
    """Live places within the request's times, agent and filters."""
    layout = index.layout
    columns = index.messages
    rows = layout.message
    allowed = np.ones(len(layout), np.bool_)
    for role in _HIDDEN_ROLES:
        number = index.roles.find(role)
        if number is not None:
            allowed &= columns.role.view[rows] != number
    if request.since is not None:
        allowed &= columns.occurred_ms.view[rows] >= milliseconds(request.since)
    for last in (request.until, request.as_of):
        if last is not None:
            allowed &= columns.occurred_ms.view[rows] <= milliseconds(last)
    if request.agent_id is not None:
        agent = index.agents.find(request.agent_id)
        allowed &= columns.agent.view[rows] == (-1 if agent is None else agent)
    if request.filters:
        wanted = dict(request.filters)
        matching = [row for row, metadata in index.metadata.items() if matches_metadata(metadata, wanted)]
        allowed &= np.isin(rows, matching)
    return allowed


def repeated_places(index: VaultIndex, request: RecallRequest) -> NDArray[np.bool_]:
    """Places of messages that the request holds already, itself or in a block."""
    rows = [*index.rows_with(request.present), *index.rows_of(request.excluded)]
    if not rows:
        return np.zeros(len(index.layout), np.bool_)
    is_repeated = np.zeros(len(index.messages.number), np.bool_)
    is_repeated[rows] = True
    return is_repeated[index.layout.message]


def milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch; a moment without a zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
