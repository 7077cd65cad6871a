"""The ASGI application: the OpenAI surface by hand, because it is the hot path; the rest through Starlette."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from recollect.domain.ids import new_id
from recollect.errors import ApiError, RecollectError, UpgradeRequiredError
from recollect.exchange.ports import IncomingRequest
from recollect.server.access_log import log_access, raw_path
from recollect.server.counters import Counters
from recollect.server.departure import ClientGoneError, Departure
from recollect.server.failures import error_reply, id_of, internal_error, log_refusal
from recollect.server.intake import check_upload, decoded, has_body, read_body, stream_body
from recollect.server.paths import classify
from recollect.server.reloading import Reloader
from recollect.server.reply import AsgiReply, SocketReply
from recollect.server.responses_socket import Handshake, ResponsesSocket
from recollect.server.serving import Serving
from recollect.server.trust import is_local_caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from recollect.exchange.head import RequestHead
    from recollect.server.departure import Connection
    from recollect.server.intake import Intake
    from recollect.server.paths import Target
    from recollect.server.ports import Gateway, Message, OpenGateway, Receive, Send
    from recollect.settings import Settings

    Scope = Message

JSON = b"application/json"
CANCELLATION_CHECKS = 500
RETIREMENT_S = 5.0
ALLOWED_METHODS = b"GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"


class GatewayApp:
    """Serves one gateway. ``open_gateway`` builds it when the server starts, on the server's own event loop."""

    def __init__(
        self, settings: Settings, open_gateway: OpenGateway, *, reread: Callable[[], Settings] | None = None
    ) -> None:
        """Take the settings, what builds the gateway from them, and how they are read again, where they can be."""
        self.counters = Counters()
        self._serving = Serving(settings, self.counters)
        self._open_gateway = open_gateway
        self._own: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._reloader = None if reread is None else Reloader(self, reread)

    async def startup(self) -> None:
        """Build the gateway and begin its background work. For those who serve without ASGI's lifespan, too."""
        gateway = await self._open_gateway(self.settings)
        await gateway.start()
        self._serving.gateway = gateway

    async def adopt(self, settings: Settings) -> None:
        """Serve by other settings from the next request on; what is being served goes on by those it began with.

        RecollectError where no gateway can be built from them: then nothing has changed.
        """
        before, gateway = self._serving, await self._open_gateway(settings, self.gateway)
        await gateway.start()
        self._serving = Serving(settings, self.counters, gateway)
        retiring = asyncio.create_task(before.retire())
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def shutdown(self) -> None:
        """Finish what was accepted, and release everything."""
        for _ in range(CANCELLATION_CHECKS):
            if not self.counters.in_flight:
                break
            await asyncio.sleep(0.01)  # what a drain has cancelled still stores what it received
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=RETIREMENT_S)
        gateway, self._serving.gateway = self._serving.gateway, None
        if gateway is not None:
            await gateway.close()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._serving.settings

    @property
    def intake(self) -> Intake:
        """What bodies are read by."""
        return self._serving.intake

    @property
    def gateway(self) -> Gateway:
        """The running gateway."""
        if self._serving.gateway is None:
            message = "The gateway was not started: run the application with its lifespan, or await startup()."
            raise RuntimeError(message)
        return self._serving.gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of ASGI 3."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.startup()
        except (RecollectError, OSError) as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        if self._reloader is not None:
            self._reloader.listen()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._reloader is not None:
            await self._reloader.stop()
        await self.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens: the only place where every exception is caught."""
        started = time.perf_counter()
        serving = self._serving.begin()
        head = serving.head(scope)
        origin = head.fields.get(b"origin")
        extra = serving.cors.reply_headers(origin) if origin is not None else ()
        kind_of_reply = SocketReply if scope["type"] == "websocket" else AsgiReply
        reply = kind_of_reply(send, extra=extra, for_browser=origin is not None)
        target: Target | None = None
        try:
            target = classify(raw_path(scope))
            await self._dispatch(scope, head, receive, reply, target)
        except ClientGoneError:
            self.counters.disconnects += 1
        except ApiError as error:
            await _answer_error(error, reply, reply.request_id or new_id("req"), target)
        except Exception as error:  # noqa: BLE001 - the edge: a defect must not take the server down, nor tell secrets
            request_id = reply.request_id or new_id("req")
            await _answer_error(internal_error(error, request_id), reply, request_id, target)
        finally:
            serving.end()
            took_s = time.perf_counter() - started
            surface = _surface(target)
            self.counters.answered(surface, reply, took_s)
            if reply.record is not None:
                self.counters.exchanged(reply.record)
            if serving.settings.has_access_log:
                log_access(scope, surface, reply, took_s)

    def _dispatch(
        self, scope: Scope, head: RequestHead, receive: Receive, reply: AsgiReply, target: Target
    ) -> Awaitable[None]:
        if isinstance(reply, SocketReply):
            return self._serve_socket(scope, head, receive, reply, target)
        if head.fields.get(b"upgrade", b"").lower() == b"websocket":
            raise _no_socket()
        if scope["method"] == "OPTIONS":
            return self._answer_options(head, reply)
        if target.is_own:
            return self._answer_own(scope, head, receive, reply, target)
        return self._exchange(scope, head, receive, reply, target)

    async def _exchange(
        self, scope: Scope, head: RequestHead, receive: Receive, reply: AsgiReply, target: Target
    ) -> None:
        """The OpenAI surface. While the handler works, the client's departure is listened for."""
        connection = scope.get("recollect.connection")
        watch = Departure(reply, receive, connection)
        request = None if connection is None else self._arrived(scope, head, target, connection, watch)
        if request is None:
            request = await self._incoming(scope, head, receive, target, watch)
        try:
            await self.gateway.pipeline.handle(request, reply)
        except (asyncio.CancelledError, ApiError):
            if watch.reason is None:
                raise
        finally:
            watch.stop()
        if watch.reason is not None:
            await watch.settle(watch.reason)

    async def _serve_socket(
        self, scope: Scope, head: RequestHead, receive: Receive, reply: SocketReply, target: Target
    ) -> None:
        """The WebSocket mode of ``/responses``. Any other is refused with the status on which clients fall back."""
        await receive()
        if target.is_own or not target.path.rstrip("/").endswith("responses"):
            raise _no_socket()
        is_forward = target.is_forward
        handshake = Handshake(
            path=target.path,
            query=scope.get("query_string", b"").decode("latin-1"),
            headers=tuple(scope["headers"]),
            forward_target=target.path if is_forward else None,
            is_local=self._is_local(scope, head),
            on_end=self.counters.exchanged,
        )
        gateway = self.gateway
        await gateway.authenticator.authenticate(handshake.headers, is_loopback=handshake.is_local)
        await reply.accept(new_id("req"))
        socket = ResponsesSocket(gateway, handshake, reply.pass_on, self.settings.limits.max_body_bytes)
        await socket.serve(receive)

    def _arrived(
        self, scope: Scope, head: RequestHead, target: Target, connection: Connection, watch: Departure
    ) -> IncomingRequest | None:
        """A request that is here as a whole, and whose body is read as it is; None for any other."""
        if not target.is_dialect or scope["method"] != "POST" or b"content-encoding" in head.fields:
            return None
        body = connection.take_body()
        if body is None:
            return None
        self.intake.check(body)
        watch.start()
        return self._request(scope, head, target, body, watch)

    async def _incoming(
        self, scope: Scope, head: RequestHead, receive: Receive, target: Target, watch: Departure
    ) -> IncomingRequest:
        fields: Mapping[bytes, bytes] = dict(scope["headers"])
        is_whole = scope["method"] == "POST" and (
            target.is_dialect or fields.get(b"content-type", b"").startswith(JSON)
        )
        if not is_whole and has_body(fields):
            check_upload(fields, self.settings.limits)
            return self._request(scope, head, target, stream_body(receive, self.intake, watch), watch)
        body = await read_body(receive, fields, self.intake)
        request = self._request(scope, head, target, body, watch)
        encoding = fields.get(b"content-encoding")
        if encoding and body:
            body, headers = decoded(body, request.headers, encoding, self.settings.limits)
            request = request._replace(body=body, headers=headers, known=None)
        watch.start()
        return request

    def _request(
        self, scope: Scope, head: RequestHead, target: Target, body: bytes | AsyncIterator[bytes], watch: Departure
    ) -> IncomingRequest:
        method, query = scope["method"], scope.get("query_string")
        return IncomingRequest(
            method="GET" if method == "HEAD" and target.path.startswith("models") and not target.is_forward else method,
            path=target.path,
            query=query.decode("latin-1") if query else "",
            headers=tuple(scope["headers"]),
            body=body,
            forward_target=target.path if target.is_forward else None,
            client_is_loopback=self._is_local(scope, head),
            on_end=watch.reply.note,
            known=head,
        )

    def _is_local(self, scope: Scope, head: RequestHead) -> bool:
        if head.is_local is None:
            head.is_local = is_local_caller(
                scope.get("client"),
                head.fields,
                allowed_hosts=self.settings.allow_hosts,
                allowed_origins=self.settings.cors.origins,
            )
        return head.is_local

    async def _answer_options(self, head: RequestHead, reply: AsgiReply) -> None:
        if b"access-control-request-method" in head.fields:
            await reply.start_bare(204, self._serving.cors.preflight_headers(head.fields))
        else:
            await reply.start(204, ((b"allow", ALLOWED_METHODS),))
        await reply.end()

    async def _answer_own(
        self, scope: Scope, head: RequestHead, receive: Receive, reply: AsgiReply, target: Target
    ) -> None:
        """The memory surface and the operations: imported when they are first asked for."""
        if self._own is None:
            from recollect.server.routes import own_application  # noqa: PLC0415 - keeps Starlette off the hot start

            self._own = own_application(self)
        inner = {**scope, "path": target.path, "root_path": "", "recollect.is_local": self._is_local(scope, head)}
        await self._own(inner, receive, partial(reply.relay, request_id=new_id("req")))


def _no_socket() -> UpgradeRequiredError:
    message = "There is no WebSocket here; send the same request over HTTP."
    return UpgradeRequiredError(message)


def _surface(target: Target | None) -> str:
    return target.surface if target else "none"


async def _answer_error(error: ApiError, reply: AsgiReply, request_id: str, target: Target | None) -> None:
    request_id = id_of(error, request_id)
    log_refusal(error, request_id, _surface(target))
    if reply.has_started:
        await reply.abort()
        return
    status, headers, body = error_reply(error, request_id, target.error_dialect if target else "")
    await reply.start(status, headers)
    await reply.send(body)
    await reply.end()
