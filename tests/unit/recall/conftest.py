"""What tests of recall start from."""

from __future__ import annotations

import pytest

from recollect.testing.hashing_embedder import HashingEmbedder
from tests.unit.recall.rooms import Room


@pytest.fixture(params=["words", "vectors"])
def room(request: pytest.FixtureRequest) -> Room:
    return Room(HashingEmbedder(128) if request.param == "vectors" else None)
