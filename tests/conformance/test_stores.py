"""Every store keeps every promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recollect.stores.in_memory import in_memory_store
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite import ManualClock, StoreSuite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from recollect.stores.base import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestInMemoryStore(StoreSuite):
    @pytest.fixture
    async def store(self, clock: ManualClock) -> AsyncIterator[Store]:
        store = in_memory_store(clock=clock)
        yield store
        await store.control.close()


class TestSqliteStore(StoreSuite):
    @pytest.fixture
    async def store(self, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Store]:
        store = open_sqlite_store(tmp_path / "recollect.db", clock=clock)
        yield store
        await store.control.close()
