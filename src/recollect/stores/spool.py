"""The spool: captures that wait on the disk while the store is away."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from recollect.errors import RecollectError, StoreUnavailableError, place_of
from recollect.stores.capture_json import decode_capture, encode_capture
from recollect.stores.spool_files import SpoolFiles

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.domain.capture import Capture
    from recollect.domain.ids import ProjectId
    from recollect.stores.base import MessageStore

logger = logging.getLogger(__name__)

_LOCK_ATTEMPTS = 100


class Spool:
    """A directory of captures, shared by every process that works on the same data directory."""

    def __init__(self, directory: Path) -> None:
        """Keep the files in ``directory``; nothing is touched before the first use."""
        self._files = SpoolFiles(directory)
        self._torn = 0
        self._rejected = 0
        self._has_retried = False

    @property
    def torn(self) -> int:
        """How many half-written captures draining met: a crash interrupted them before they were acknowledged."""
        return self._torn

    @property
    def rejected(self) -> int:
        """How many captures the store refused; they are kept in ``*.rejected`` files, and tried again by the next
        process."""
        return self._rejected

    async def append(self, capture: Capture) -> None:
        """Keep a capture; it is on the disk when this returns. Raises OSError where the disk does not take it."""
        await asyncio.to_thread(self._files.append, encode_capture(capture))

    def pending(self) -> int:
        """How many captures wait. A directory listing; files are read only when they have changed."""
        return self._files.count(with_rejected=not self._has_retried)

    async def drain(self, store: MessageStore) -> int:
        """Capture what waits, oldest first; how many were captured.

        A file goes only after all of it is stored. Repeating is harmless, since messages are
        content-addressed. The first time, what an earlier process was refused is tried, too. Raises
        StoreUnavailableError where the store is away still.
        """
        with self._files.draining() as is_ours:
            if not is_ours:
                return 0
            drained = 0
            if not self._has_retried:
                self._has_retried = True
                await asyncio.to_thread(self._files.take_rejected)
            for path in await asyncio.to_thread(self._files.take):
                drained += await self._drain_file(store, path)
            return drained

    async def erase_user(self, project: ProjectId, user: str) -> int:
        """Remove the waiting and the rejected captures of a user; how many there were.

        Waits while a process drains, lest it stores what it had read already. Raises StoreUnavailableError
        where it drains for more than ten seconds.
        """

        def is_kept(line: bytes) -> bool:
            try:
                capture = decode_capture(line)
            except ValueError:
                return True
            return (capture.project, capture.user) != (project, user)

        for _ in range(_LOCK_ATTEMPTS):
            with self._files.draining() as is_ours:
                if is_ours:
                    return await asyncio.to_thread(self._files.filter, is_kept)
            await asyncio.sleep(0.1)
        message = "The spool is being drained; erase again when it has finished."
        raise StoreUnavailableError(message)

    async def _drain_file(self, store: MessageStore, path: Path) -> int:
        lines, is_torn = await asyncio.to_thread(self._files.lines, path)
        rejected: list[bytes] = []
        for line in lines:
            try:
                await store.capture(decode_capture(line))
            except StoreUnavailableError:
                raise
            except (RecollectError, ValueError, TypeError, LookupError, ArithmeticError) as error:
                logger.warning(
                    "a spooled capture cannot be stored and is kept in a .rejected file: %s", place_of(error)
                )
                rejected.append(line)
        if rejected:
            await asyncio.to_thread(self._files.reject, path, rejected)
        await asyncio.to_thread(self._files.remove, path)
        self._torn += is_torn
        self._rejected += len(rejected)
        return len(lines) - len(rejected)
