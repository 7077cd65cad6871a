from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from recollect.domain.ids import MessageId, MessageNumber, SessionName, SessionNumber
from recollect.domain.memories import Claim
from recollect.domain.messages import StoredMessage
from recollect.extractors.rules.claims import claims_of

MAY = datetime(2026, 5, 12, 10, 30, tzinfo=UTC)
"""A Tuesday."""


def message(text: str, number: int = 1, **more: object) -> StoredMessage:
    fields = {
        "id": MessageId(bytes([number % 256]) * 16),
        "number": MessageNumber(number),
        "session": SessionName("s"),
        "session_number": SessionNumber(1),
        "depth": number,
        "is_live": True,
        "captured_at": MAY,
        "role": "user",
        "text": text,
        "occurred_at": MAY,
    }
    return StoredMessage(**{**fields, **more})


@pytest.fixture
def said() -> Callable[..., StoredMessage]:
    return message


@pytest.fixture
def claims() -> Callable[[str], list[Claim]]:
    return lambda text: claims_of(message(text))[0]


@pytest.fixture
def facts(claims) -> Callable[[str], list[str]]:
    """``home: Lisbon``; ``-home: Porto`` for what is so no longer, ``~…`` for a correction."""
    marks = {"states": "", "ends": "-", "corrects": "~"}
    return lambda text: [f"{marks[one.change]}{one.attribute}: {one.value}" for one in claims(text)]
