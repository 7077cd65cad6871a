"""Start the HTTP server, and end it without cutting anybody off."""

from __future__ import annotations

import asyncio
import gc
import math
import multiprocessing
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.lifespan.on import LifespanOn
from uvicorn.supervisors import Multiprocess

from recollect.errors import SettingsError
from recollect.server.banner import banner
from recollect.server.huge_pages import collapse_memory
from recollect.server.logs import logging_config
from recollect.server.protocol import GatewayProtocol
from recollect.server.reloading import HANGUP, Terminal, tell_refusal
from recollect.settings import changes, export_for_workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.settings import Given, Settings

APPLICATION = "recollect.bootstrap:worker_app"
"""Named, not imported: every server process builds its own, from the settings in its environment."""
BACKLOG = 2048
COLLECTOR_THRESHOLD = 20_000
SWITCH_INTERVAL_S = 0.001
"""After how long a busy thread lets another one run: a reply waits for the store's writer, which competes with recall.
Measured: a capture beside a busy thread takes 14 ms at Python's own 5 ms, and 4.9 ms at this."""


def serve(settings: Settings, given: Given | None = None, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then let running requests end (at most ``limits.drain_s``).

    On SIGHUP the settings are read again, from where they were ``given``; without that they are not. ``announce`` gets
    the start banner (standard error otherwise) once the port is bound. SettingsError where it cannot be.
    """
    export_for_workers(settings, given)
    with _bound_socket(settings) as listener:
        port = int(listener.getsockname()[1])
        config = server_config(settings)
        tell = announce or _to_stderr
        if settings.workers > 1:
            tell(banner(settings, port))
            Supervisor(config, listener, settings, given).run()
            return
        server = AnnouncingServer(config, lambda: tell(banner(settings, port)))
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return  # the server has drained by then; uvicorn raises the signal again behind that
        if not server.started:
            sys.exit(1)


class ServerConfig(uvicorn.Config):
    """What a server process is started with."""

    def load(self) -> None:
        """Import the application, and tune the interpreter for serving it."""
        super().load()
        self.lifespan_class = SettlingLifespan
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        gc.set_threshold(COLLECTOR_THRESHOLD, 20, 20)


class SettlingLifespan(LifespanOn):
    """Starts the application of one server process.

    Once everything is loaded and built it stays, so the garbage collector need not look at it again, and it may move to
    huge pages. Measured on the application alone: more than half of the time of a request went into collections. One of
    several processes ends with its supervisor, however that ends: nothing would stop it else, and it holds the port.
    """

    async def startup(self) -> None:
        """Start the application, settle, and begin to look after the supervisor."""
        await super().startup()
        gc.collect()
        gc.freeze()
        threading.Thread(target=collapse_memory, name="recollect-huge-pages", daemon=True).start()
        supervisor = multiprocessing.parent_process()
        if supervisor is not None and sys.platform != "win32":
            loop = asyncio.get_running_loop()
            loop.add_reader(supervisor.sentinel, self._leave, loop, supervisor.sentinel)

    def _leave(self, loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
        loop.remove_reader(sentinel)
        signal.raise_signal(signal.SIGTERM)


def server_config(settings: Settings, *, app: object = APPLICATION) -> ServerConfig:
    """How uvicorn is run: nothing of its own in the replies, no access log, no trust in forwarding headers."""
    return ServerConfig(
        app,  # type: ignore[arg-type]
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=GatewayProtocol,
        ws="websockets-sansio",
        ws_max_size=settings.limits.max_body_bytes,
        lifespan="on",
        log_config=logging_config(settings.log_level, settings.log_format),
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=math.ceil(settings.limits.keep_alive_s),
        timeout_graceful_shutdown=math.ceil(settings.limits.drain_s),
    )


class Supervisor(Multiprocess):
    """Starts the server processes, starts them again when they die, and passes on that settings have changed."""

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, settings: Settings, given: Given | None
    ) -> None:
        """Take what they are started with, and where the settings are from."""
        super().__init__(config, sockets=[listener])
        self._settings = settings
        self._given = given
        self._terminal = Terminal()

    def handle_hup(self) -> None:
        """Check the settings once for all processes; each of them reads them by itself."""
        if self._terminal.is_lost():
            self.should_exit.set()
            return
        if self._given is None or HANGUP is None:
            return
        try:
            wanted = self._given.load()
        except SettingsError as error:
            tell_refusal(error)
            return
        self._settings = changes(self._settings, wanted).settings
        export_for_workers(self._settings, self._given)
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:  # not is_alive(), which waits for an answer
                os.kill(process.pid, HANGUP)


class AnnouncingServer(uvicorn.Server):
    """Says so when it is up."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        """Take what to call once connections are accepted."""
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._on_started()


def _bound_socket(settings: Settings) -> socket.socket:
    """The listening address, taken before anything is built, so that a port in use is said at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        message = (
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Choose another with `--port` (setting `port`), or `--host`."
        )
        raise SettingsError(message) from error
    listener.set_inheritable(True)
    return listener


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
