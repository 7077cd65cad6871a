"""Stage 5: pick the upstream, send the request, and pass the reply on as it comes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recollect.errors import AuthenticationError, RequestError, ServiceError
from recollect.exchange.head import CREDENTIAL_HEADERS, PROVIDER_KEY_HEADER
from recollect.exchange.ports import RouteRequest
from recollect.exchange.resolve import project_of
from recollect.providers.base import Route, UpstreamRequest
from recollect.providers.chat_model import ProviderChatModel
from recollect.providers.retries import spent_headers
from recollect.wire.headers import strip_query, strip_request_headers
from recollect.wire.json_document import Edit, JsonDocument, json_string

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.domain.chat import ChatModel
    from recollect.exchange.credentials import Credentials
    from recollect.exchange.exchange import Exchange
    from recollect.exchange.ports import BuiltInModel, IncomingRequest, Router
    from recollect.providers.base import Headers, Upstream, UpstreamReply
    from recollect.providers.fallbacks import FallbackSender
    from recollect.providers.router import Plan

VERSION_HEADER = b"anthropic-version"
CHAT, MESSAGES = "chat/completions", "messages"
BUILT_IN_PROVIDER = "recollect"
"""Whose models answer from what was recalled, without an upstream."""


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Sends one exchange to its upstream, or to the next one where that fails before its first byte."""

    router: Router
    sender: FallbackSender
    built_in: BuiltInModel
    asking: Upstream | None = None
    """The way of the gateway's own questions to the model of a request; None: it asks none."""
    credentials: Credentials | None = None
    """Projects' own keys; None: they have none."""

    def has_known_keys(self, exchange: Exchange) -> bool:
        """Fill ``project_keys`` where that takes no wait; in forward style the request's own key counts alone."""
        if self.credentials is None or exchange.principal is None or exchange.request.forward_target is not None:
            return True
        known = self.credentials.known(exchange.principal.project)
        if known is not None:
            exchange.project_keys = known
        return known is not None

    async def find_keys(self, exchange: Exchange) -> None:
        """Fill ``project_keys``."""
        if not self.has_known_keys(exchange) and self.credentials is not None and exchange.principal is not None:
            exchange.project_keys = await self.credentials.of(exchange.principal.project)

    def over(self, upstream: Upstream) -> Forwarder:
        """The same with another way to the provider."""
        return replace(self, sender=self.sender.over(upstream))

    def route(self, exchange: Exchange, model: str | None) -> Route:
        """Where the exchange goes first; fills ``plan``. RequestError where that cannot be told or is not allowed."""
        request = exchange.request
        if request.forward_target is None and self.built_in.serves(model):
            return Route(provider=BUILT_IN_PROVIDER, url="", model=None)
        exchange.plan = self._planned(
            exchange,
            RouteRequest(
                request.path,
                strip_query(request.query) if request.query else "",
                model,
                request.forward_target,
                exchange.head.provider_key,
                exchange.project_keys,
            ),
        )
        return exchange.plan.first

    def own_model(self, exchange: Exchange) -> ChatModel | None:
        """The request's own model, to be asked with chat completions and the request's own credentials; None where it
        cannot be: the built-in one, and Anthropic's dialect in forward style."""
        route, model = exchange.route, exchange.prompt.model if exchange.prompt else None
        if self.asking is None or not model or route is None or not route.url or exchange.dialect is None:
            return None
        if exchange.request.forward_target is not None:
            url = _chat_url(route.url, exchange.dialect.name)
            sent = strip_request_headers(exchange.request.headers)
            credentials = tuple(field for field in sent if field[0] in CREDENTIAL_HEADERS)
            if url is None:
                return None
            return ProviderChatModel(self.asking, replace(route, url=url, credentials=credentials), model)
        question = RouteRequest(CHAT, "", model, None, exchange.head.provider_key, exchange.project_keys)
        try:
            route = self._planned(exchange, question).first
        except RequestError:
            return None
        return ProviderChatModel(self.asking, route, route.model or model)

    def _planned(self, exchange: Exchange, question: RouteRequest) -> Plan:
        if question.provider_key is not None and not _is_deliberate(exchange):
            configured = self._configured_plan(question)
            if configured is not None and configured.first.credentials:
                return configured
        return self.router.plan(question)

    def _configured_plan(self, question: RouteRequest) -> Plan | None:
        """The plan with the keys that this gateway has itself; None where it has none."""
        try:
            return self.router.plan(question._replace(provider_key=None))
        except AuthenticationError:
            return None

    async def send(self, exchange: Exchange, body: bytes | AsyncIterator[bytes] | None) -> UpstreamReply:
        """Send, and wait for the first byte of the reply; ``route`` is then the one that answered.

        ``body`` names the model as the first route spells it. A ServiceError after several tries says in its headers
        that they were enough.
        """
        plan, first = exchange.plan, exchange.route
        if plan is None or first is None or first.url == "":
            return self._answer_built_in(exchange)

        def build(route: Route) -> UpstreamRequest:
            spelled = body
            if isinstance(body, bytes) and route.model is not None and route.model != first.model:
                spelled = with_model(JsonDocument.parse(body), route.model)
            headers = _request_headers(exchange, route, spelled)
            return UpstreamRequest(
                method=exchange.request.method,
                url=route.url,
                headers=headers if exchange.span is None else exchange.span.outgoing(headers),
                body=spelled,
                is_pinned=route.is_pinned,
                provider=route.provider,
                project=_project_of(exchange),
            )

        try:
            reply, way = await self.sender.send(plan, build, exchange.attempts)
        except ServiceError as error:
            if len(exchange.attempts) > 1:
                error.headers = spent_headers(self.sender.retrying.policy)
            raise
        exchange.route = way.route
        return reply

    def _answer_built_in(self, exchange: Exchange) -> UpstreamReply:
        prompt, recalled = exchange.prompt, exchange.recalled
        question = ""
        if prompt is not None and prompt.target is not None:
            question = prompt.utterances[prompt.target].text
        hits = sorted(recalled.selection, key=lambda hit: -hit.score) if recalled else ()
        return self.built_in.answer(
            exchange.request.path,
            model=(prompt.model if prompt else None) or "recollect/recall",
            is_streamed=bool(prompt and prompt.is_streamed),
            quotes=[hit.text for hit in hits],
            question=question,
            includes_usage=_asks_for_usage(exchange),
        )


def _project_of(exchange: Exchange) -> str | None:
    return None if exchange.principal is None else project_of(exchange.principal, exchange.controls)


def with_model(document: JsonDocument, model: str) -> bytes:
    """The body with another spelling of its model, the rest byte for byte."""
    place = document.member("model")
    if place is None:
        return document.body
    return document.splice([Edit(place.value_start, place.value_end, json_string(model))])


def _chat_url(url: str, dialect: str) -> str | None:
    """Where chat completions are, beside the path of a dialect."""
    path, mark, query = url.partition("?")
    if dialect == MESSAGES or not path.endswith(f"/{dialect}"):
        return None
    return f"{path.removesuffix(dialect)}{CHAT}{mark}{query}"


def _asks_for_usage(exchange: Exchange) -> bool:
    options = exchange.document.get("stream_options") if exchange.document else None
    return isinstance(options, dict) and options.get("include_usage") is True


def _is_deliberate(exchange: Exchange) -> bool:
    """The credential was meant for the provider. SDKs insist on one: beside no memory key, ``Authorization`` is as
    often a placeholder, and gives way to a key that this gateway has."""
    request, principal = exchange.request, exchange.principal
    has_memory_key = principal is not None and principal.key_id is not None
    return has_memory_key or request.forward_target is not None or bool(request.header(PROVIDER_KEY_HEADER))


def _request_headers(exchange: Exchange, route: Route, body: bytes | AsyncIterator[bytes] | None) -> Headers:
    """The headers for the provider, which are the same whenever head and route are: but for the length of a body that
    is passed on as it comes."""
    request, head = exchange.request, exchange.head
    if body is not None and not isinstance(body, bytes):
        return _made_headers(request, route, tuple(field for field in request.headers if field[0] == b"content-length"))
    if head.sent is None or head.sent[0] is not route:
        head.sent = (route, _made_headers(request, route))
    return head.sent[1]


def _made_headers(request: IncomingRequest, route: Route, more: Headers = ()) -> Headers:
    """The client's headers without what is ours or hop-by-hop, and with the right credential.

    In router style every credential of the client's is replaced by the route's; in forward style the client's own
    pass as they are. The version of Anthropic's API that a client asks for goes before the registry's.
    """
    kept = strip_request_headers(request.headers)
    if request.forward_target is None:
        kept = tuple(field for field in kept if field[0] not in CREDENTIAL_HEADERS)
    kept += more
    asked_version = any(name == VERSION_HEADER for name, _ in kept)
    added = tuple(field for field in route.credentials if not (asked_version and field[0] == VERSION_HEADER))
    names = {name for name, _ in added}
    return (*(field for field in kept if field[0] not in names), *added)
