"""Projects' provider keys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.domain.credentials import SealedKey
from recollect.domain.ids import ProjectId
from recollect.testing.store_suite.samples import PROJECT, START

if TYPE_CHECKING:
    from recollect.stores.base import Store

_OTHER = ProjectId("other")


def _key(provider: str, sealed: bytes = b"\x00sealed\xff", project: ProjectId = PROJECT) -> SealedKey:
    return SealedKey(project, provider, sealed, "…abcd", START)


class CredentialTests:
    """Sealed keys, one for each provider of a project."""

    async def test_a_provider_key_comes_back_as_it_was_sealed(self, store: Store) -> None:
        await store.credentials.put_credential(_key("openai"))
        await store.credentials.put_credential(_key("groq"))
        assert await store.credentials.list_credentials(PROJECT) == [_key("groq"), _key("openai")]

    async def test_a_newer_provider_key_takes_the_place_of_the_old_one(self, store: Store) -> None:
        await store.credentials.put_credential(_key("openai"))
        newer = SealedKey(PROJECT, "openai", b"newer", "…wxyz", START + timedelta(days=1))
        await store.credentials.put_credential(newer)
        assert await store.credentials.list_credentials(PROJECT) == [newer]

    async def test_provider_keys_are_of_one_project(self, store: Store) -> None:
        await store.credentials.put_credential(_key("openai"))
        await store.credentials.put_credential(_key("openai", b"theirs", _OTHER))
        assert await store.credentials.list_credentials(PROJECT) == [_key("openai")]
        assert not await store.credentials.remove_credential(ProjectId("third"), "openai")
        assert await store.credentials.list_credentials(_OTHER) == [_key("openai", b"theirs", _OTHER)]

    async def test_a_removed_provider_key_is_gone(self, store: Store) -> None:
        await store.credentials.put_credential(_key("openai"))
        assert await store.credentials.remove_credential(PROJECT, "openai")
        assert not await store.credentials.remove_credential(PROJECT, "openai")
        assert await store.credentials.list_credentials(PROJECT) == []
