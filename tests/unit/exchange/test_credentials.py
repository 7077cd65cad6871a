"""Projects' own keys for providers."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import pytest

from recollect.errors import InvalidRequestError, StoreUnavailableError
from recollect.exchange.credentials import KEPT_S, Credentials
from recollect.providers.key_safe import KeySafe, new_secret
from recollect.providers.registry import load_registry
from recollect.stores.in_memory import in_memory_store

KEY = "sk-proj-0123456789abcdef"
NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Held:
    """Credentials, and how often their store and their safe were asked."""

    def __init__(self):
        self.store = in_memory_store()
        self.safe = KeySafe.from_texts([new_secret()])
        self.time = 0.0
        self.reads = self.opened = 0
        self.is_away = False
        self.credentials = Credentials(self, load_registry(), self.open_safe, lambda: self.time)

    def open_safe(self):
        self.opened += 1
        return self.safe

    async def list_credentials(self, project):
        self.reads += 1
        if self.is_away:
            message = "away"
            raise StoreUnavailableError(message)
        return await self.store.credentials.list_credentials(project)

    def __getattr__(self, name):
        return getattr(self.store.credentials, name)


@pytest.fixture
def held():
    return Held()


async def test_a_key_is_sealed_in_the_store_and_open_for_requests(held):
    made = await held.credentials.set("p", "Gemini", f" {KEY}\n", NOW)
    assert (made.provider, made.hint) == ("google", "…cdef")
    assert KEY.encode() not in made.sealed
    assert await held.credentials.of("p") == {"google": KEY}
    assert await held.credentials.of("other") == {}
    assert KEY not in repr(await held.credentials.list("p"))


async def test_a_project_without_keys_needs_no_secret(held):
    assert await held.credentials.of("p") == {}
    assert held.opened == 0


async def test_keys_are_read_once_for_a_while_and_a_change_counts_at_once(held):
    await held.credentials.set("p", "openai", KEY, NOW)
    for _ in range(3):
        await held.credentials.of("p")
    assert held.reads == 1
    await held.credentials.set("p", "openai", KEY + "2", NOW)
    assert await held.credentials.of("p") == {"openai": KEY + "2"}
    assert await held.credentials.remove("p", "openai")
    assert await held.credentials.of("p") == {}
    assert not await held.credentials.remove("p", "openai")


async def test_what_another_process_changed_counts_after_a_moment(held):
    await held.credentials.set("p", "openai", KEY, NOW)
    await held.credentials.of("p")
    await held.store.credentials.remove_credential("p", "openai")
    assert await held.credentials.of("p") == {"openai": KEY}
    held.time = KEPT_S
    assert await held.credentials.of("p") == {}


async def test_while_the_store_is_away_the_keys_that_were_read_go_on_working(held):
    await held.credentials.set("p", "openai", KEY, NOW)
    await held.credentials.of("p")
    held.is_away = True
    held.time = KEPT_S
    assert await held.credentials.of("p") == {"openai": KEY}
    assert await held.credentials.of("never read") == {}


async def test_a_key_of_another_secret_is_no_key_and_said_in_the_log(held, caplog):
    await held.credentials.set("p", "openai", KEY, NOW)
    other = Credentials(held.store.credentials, load_registry(), lambda: KeySafe.from_texts([new_secret()]))
    with caplog.at_level(logging.ERROR):
        assert await other.of("p") == {}
    assert "recollect providers set openai" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("key", ["", "  ", "two words", "schlüssel", "a\nb", "x" * 5000])
async def test_what_is_no_key_is_refused(held, key):
    with pytest.raises(InvalidRequestError) as caught:
        await held.credentials.set("p", "openai", key, NOW)
    assert caught.value.code == "invalid_provider_key"


async def test_an_unknown_provider_is_refused(held):
    with pytest.raises(InvalidRequestError) as caught:
        await held.credentials.set("p", "nobody", KEY, NOW)
    assert caught.value.code == "unknown_provider"


async def test_a_short_key_has_no_hint(held):
    assert (await held.credentials.set("p", "openai", "secret", NOW)).hint == "…"


async def test_a_request_goes_with_its_projects_key(gateway, held):
    gateway.use(held.credentials)
    await held.credentials.set("default", "openai", KEY, NOW)
    await gateway.post(json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode())
    assert gateway.router.asked[-1].project_keys == {"openai": KEY}
