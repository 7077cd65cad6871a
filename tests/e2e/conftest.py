"""One provider and one gateway for all of these tests; some of them kill it and start it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recollect.testing.scripted_provider import Script, ScriptedProvider
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import GatewayProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedProvider]:
    """A provider that records what it receives."""
    with ScriptedProvider.in_thread(Script(text=ANSWER)) as running:
        yield running


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    """A gateway in front of it, with an administrator's key."""
    running = GatewayProcess(tmp_path_factory.mktemp("gateway") / "data", provider.base_url)
    running.start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()
