"""Each key suffix, chat and responses, streamed and not: what is recalled, and what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.answers import ANSWER
from tests.e2e.speakers import SPEAKERS, Access
from tests.e2e.vaults import ingest, stored_texts

if TYPE_CHECKING:
    from recollect.testing.scripted_provider import ScriptedProvider
    from tests.e2e.gateway_process import GatewayProcess

SURFACES = ("python chat", "python chat stream", "python responses", "python responses stream")
FACT = "I love hiking in the Dolomites"
ASKED = "Where do I love hiking?"
SUFFIXES = {
    "": (True, True),
    ":full": (True, True),
    ":read": (True, False),
    ":write": (False, True),
    ":off": (False, False),
    ":shadow": (False, True),
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_key_suffix_says_what_memory_does(
    gateway: GatewayProcess, provider: ScriptedProvider, surface: str, suffix: str
) -> None:
    user = f"modes {surface} [{suffix}]"
    is_recalled, is_stored = SUFFIXES[suffix]
    ingest(gateway, user, [{"role": "user", "content": FACT}], session_id="earlier")
    key = gateway.create_key(kind="vault", user=user)
    assert SPEAKERS[surface](Access(gateway.base_url, f"{key}{suffix}", "openai/m"), ASKED) == ANSWER
    received = provider.last
    assert (FACT in received.body.decode()) is is_recalled
    stored = stored_texts(gateway, user)
    assert (ASKED in stored) is is_stored
    assert (ANSWER in stored) is is_stored
