from __future__ import annotations

import pytest

from tests.unit.server.fakes import FakeGateway, running


@pytest.fixture
async def gateway():
    return FakeGateway()


@pytest.fixture
async def app(gateway):
    async with running(gateway) as app:
        yield app
