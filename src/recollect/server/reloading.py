"""Settings are read again on SIGHUP; what they change is swapped between two requests, and nobody is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.config
import os
import signal
from typing import TYPE_CHECKING, Protocol

from recollect.errors import RecollectError, SettingsError
from recollect.server.logs import logging_config
from recollect.settings import changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.settings import Settings

logger = logging.getLogger(__name__)

HANGUP = getattr(signal, "SIGHUP", None)
"""None on systems that have no such signal."""


class Reloadable(Protocol):
    """Serves by settings, and can go on by others."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    async def adopt(self, settings: Settings) -> None:
        """Serve by other settings from now on. RecollectError where they cannot be served by: nothing has changed."""


class Reloader:
    """Reads the settings of one application again whenever the process is told to."""

    def __init__(self, app: Reloadable, reread: Callable[[], Settings]) -> None:
        """Take who serves by them, and how they are read."""
        self._app = app
        self._reread = reread
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[bool]] = set()
        self._terminal = Terminal()

    def listen(self) -> None:
        """Begin, in the running event loop of the process's main thread."""
        if HANGUP is not None:
            asyncio.get_running_loop().add_signal_handler(HANGUP, self._on_hangup)

    async def stop(self) -> None:
        """Listen no more, and let what has begun end."""
        if HANGUP is not None:
            asyncio.get_running_loop().remove_signal_handler(HANGUP)
        await asyncio.gather(*self._tasks)

    async def reload(self) -> bool:
        """Read the settings, and go on by them; False where they are wrong: the old ones stay."""
        async with self._one_at_a_time:
            try:
                wanted = await asyncio.to_thread(self._reread)
                found = changes(self._app.settings, wanted)
                if found.taken:
                    await self._app.adopt(found.settings)
            except (RecollectError, OSError) as error:
                tell_refusal(error)
                return False
        if any(name.startswith("log_") for name in found.taken):
            logging.config.dictConfig(logging_config(found.settings.log_level, found.settings.log_format))
        logger.info("the settings were read again; changed: %s", ", ".join(found.taken) or "nothing")
        if found.postponed:
            logger.warning("these settings changed, too, but need a restart: %s", ", ".join(found.postponed))
        return True

    def _on_hangup(self) -> None:
        if self._terminal.is_lost():
            signal.raise_signal(signal.SIGTERM)
            return
        task = asyncio.ensure_future(self.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Terminal:
    """The terminal that the process was started from. When it is closed, the same signal says so."""

    def __init__(self) -> None:
        """Look whether there is one whose end matters: with ``nohup`` it does not."""
        self._matters = HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN and _has_terminal()

    def is_lost(self) -> bool:
        """There was one, and it is gone."""
        return self._matters and not _has_terminal()


def tell_refusal(error: Exception) -> None:
    """Say in the log what is wrong with the settings, a line each."""
    problems = error.problems if isinstance(error, SettingsError) else (str(error),)
    for problem in problems:
        logger.error("%s", problem)
    logger.error("the settings are wrong and were not taken; the gateway goes on by those it has")


def _has_terminal() -> bool:
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    return False
