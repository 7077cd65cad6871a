"""A gateway inside this process: its own event loop in a daemon thread, no socket.

Every client of the same configuration shares one gateway; the last one that closes stops it. What was
captured is durable before a reply ends, so a process that just exits loses nothing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - its exit hook must be older than ours, see shared_gateways
import functools
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from recollect.client.asgi_call import AsgiCall, ReplyBrokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from recollect.client.asgi_call import AsgiApp, Message

    T = TypeVar("T")

START_TIMEOUT_S = 120.0
"""Opening the store and loading the model; the first start may fetch the model."""
STOP_TIMEOUT_S = 15.0


class InProcessGateway:
    """An ASGI application that runs in a thread of its own."""

    def __init__(self, build: Callable[[], AsgiApp]) -> None:
        """Build the application on its own thread, and run its start-up; raises what the building raises."""
        self._build = build
        self._loop = asyncio.new_event_loop()
        self._calls: set[AsgiCall] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recollect-gateway", daemon=True)
        self._thread.start()
        try:
            self.submit(self._start()).result(START_TIMEOUT_S)
        except BaseException:
            self._end_loop()
            raise

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the gateway's loop, from any thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call_soon(self, step: Callable[[], object]) -> None:
        """Run a function on the gateway's loop, from any thread, without waiting for it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(step)

    async def open_call(self, scope: Message, body: bytes) -> AsgiCall:
        """Begin an exchange; on the gateway's loop."""
        call = AsgiCall(self._app, scope, body)
        self._calls.add(call)
        return call

    def end_call(self, call: AsgiCall) -> None:
        """The client needs no more of this exchange; from any thread."""
        self.call_soon(lambda: self._disconnect(call))

    def stop(self) -> None:
        """Let running exchanges end, run the application's shutdown, and end the thread. Safe to call twice."""
        if self._loop.is_closed():
            return
        try:
            self.submit(self._stop()).result(STOP_TIMEOUT_S)
        finally:
            self._end_loop()

    def _disconnect(self, call: AsgiCall) -> None:
        call.disconnect()
        waiting = asyncio.ensure_future(call.wait_finished())
        waiting.add_done_callback(lambda _: self._calls.discard(call))

    async def _start(self) -> None:
        self._app = self._build()
        self._lifespan = Lifespan(self._app)
        await self._lifespan.start()

    async def _stop(self) -> None:
        for call in tuple(self._calls):
            call.disconnect()
            await call.wait_finished()
        await self._lifespan.stop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)
        if not self._thread.is_alive():
            self._loop.close()


class Lifespan:
    """Start-up and shutdown of an ASGI application."""

    def __init__(self, app: AsgiApp) -> None:
        """Take the application."""
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the start-up; ReplyBrokenError with the application's reason where it fails."""
        scope: Message = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": {},
        }
        self._task = asyncio.ensure_future(self._app(scope, self._to_app.get, self._from_app.put))
        await self._ask("lifespan.startup")

    async def stop(self) -> None:
        """Run the shutdown."""
        if self._task is not None and not self._task.done():
            await self._ask("lifespan.shutdown")
            await self._task

    async def _ask(self, what: str) -> None:
        running = self._task
        if running is None:
            return
        await self._to_app.put({"type": what})
        answering = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait({answering, running}, return_when=asyncio.FIRST_COMPLETED)
        answer = answering.result() if answering.done() else {}
        answering.cancel()
        if answer.get("type") == f"{what}.complete":
            return
        await asyncio.wait({running}, timeout=STOP_TIMEOUT_S)
        if running.done():
            running.result()  # raises what the application raised
        message = f"The gateway failed at {what}: {answer.get('message') or 'no reason given'}"
        raise ReplyBrokenError(message)


class SharedGateways:
    """The gateways of this process, by what they were configured with, and how many clients use each."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._running: dict[str, tuple[InProcessGateway, int]] = {}

    def acquire(self, name: str, build: Callable[[], AsgiApp]) -> InProcessGateway:
        """The gateway of that name, started where it is not running."""
        with self._lock:
            gateway, users = self._running.get(name) or (InProcessGateway(build), 0)
            self._running[name] = (gateway, users + 1)
            return gateway

    def release(self, name: str) -> None:
        """One client less; the last one stops the gateway."""
        with self._lock:
            gateway, users = self._running.pop(name)
            if users > 1:
                self._running[name] = (gateway, users - 1)
                return
            gateway.stop()

    def stop_all(self) -> None:
        """Stop every gateway: the process ends."""
        with self._lock:
            for gateway, _ in self._running.values():
                with suppress(TimeoutError):  # what was captured is on the disk: nothing is lost by not waiting
                    gateway.stop()
            self._running.clear()


@functools.cache
def shared_gateways() -> SharedGateways:
    """The gateways of this process; they stop when it ends.

    Not by ``atexit``, whose functions run when thread pools, which a gateway needs to stop, take no work any more.
    ``concurrent.futures.thread`` itself uses this hook when it is imported; what is registered later runs earlier.
    """
    gateways = SharedGateways()
    threading._register_atexit(gateways.stop_all)  # type: ignore[attr-defined]  # noqa: SLF001
    return gateways
