"""Where one exchange goes: ``provider/model`` (router style), or a URL in the path (forward style)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from recollect.errors import AuthenticationError, InvalidRequestError, PermissionDeniedError
from recollect.providers.allow_list import DEFAULT_PORTS, MAX_PORT, normal_host, parse_address
from recollect.providers.base import OAUTH_TOKEN, Route
from recollect.providers.registry import find_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.providers.allow_list import AllowList
    from recollect.providers.base import Headers, Provider

PROVIDER_KEY_HEADER = "X-Provider-Key"
ANTHROPIC = "anthropic"
CLAUDE = "claude"
DEPLOYMENT_PATHS = frozenset(
    {
        "chat/completions",
        "completions",
        "embeddings",
        "images/generations",
        "images/edits",
        "audio/speech",
        "audio/transcriptions",
        "audio/translations",
    }
)
"""Paths that Azure serves below a deployment; the rest stands directly below ``/openai``."""
_SCHEME = re.compile(r"(?i)(https?):/{1,2}")
_ENCODED_SCHEME = re.compile(r"(?i)https?%3a")
_UNSAFE = re.compile(r"[^\x21-\x7e]|[\"#<>\\^`{|}]")
_KEPT_IN_PATH = "/%:@!$&'()*+,;=~-._?[]"
_DOT_SEGMENT = re.compile(r"(?i)(?:^|/|\\|%2f|%5c)(?:\.|%2e){1,2}(?=$|[/\\?]|%2f|%5c)")


def resolve_router_style(
    registry: Mapping[str, Provider],
    *,
    path: str,
    model: str | None,
    default_provider: str,
    provider_key: str | None,
    environment_keys: Mapping[str, str],
) -> Route:
    """The route of ``/v1/{path}`` for a model name, which may begin with a provider's.

    ``path`` may carry a query. ``provider_key`` is the request's own and goes before ``environment_keys`` (by
    provider). InvalidRequestError ``unknown_provider``, ``provider_not_configured`` or ``invalid_path``;
    AuthenticationError ``missing_provider_key``.
    """
    provider, rest = pick_provider(registry, path, model, default_provider, environment_keys)
    key = provider_key or environment_keys.get(provider.name)
    return route_to(provider, path=path, model=model, rest=rest, key=key)


def route_to(provider: Provider, *, path: str, model: str | None, rest: str | None, key: str | None) -> Route:
    """The route of ``/v1/{path}`` at a provider that was picked; ``rest`` is the model behind the provider's prefix."""
    if not key and provider.needs_key:
        raise _missing_key(provider)
    return Route(
        provider=provider.name,
        url=_endpoint(provider, path, rest if rest is not None else model),
        model=rest,
        credentials=_credentials(provider, key),
    )


def resolve_forward_style(target_url: str, *, allow: AllowList) -> Route:
    """The route to what follows ``/forward/``: a URL, also with its slashes collapsed or percent-encoded.

    InvalidRequestError ``invalid_forward_url``; PermissionDeniedError ``upstream_not_allowed``. The route is pinned:
    the address is checked again when the connection is made.
    """
    scheme, authority, path = _split_target(target_url)
    host, port = _split_authority(authority, scheme)
    if not allow.permits(scheme, host, port):
        raise _not_allowed(scheme, host, port, allow)
    address = parse_address(host)
    if address is not None and not allow.may_connect(host, port, str(address)):
        raise _not_allowed(scheme, host, port, allow)
    place = host if port == DEFAULT_PORTS[scheme] else f"{host}:{port}"
    return Route(provider=None, url=f"{scheme}://{place}{_safe_path(path)}", model=None, is_pinned=True)


def _default_name(registry: Mapping[str, Provider], path: str, model: str | None, default_provider: str) -> str:
    """Who serves a model without a provider before it: for Anthropic's paths and models, it is Anthropic, unless the
    default provider speaks Anthropic's dialect itself."""
    is_messages = path.partition("?")[0].partition("/")[0] == "messages"
    if not is_messages or (model is not None and not model.lower().startswith(CLAUDE)):
        return default_provider
    default = find_provider(registry, default_provider)
    return default_provider if default is not None and "messages" in default.dialects else ANTHROPIC


def pick_provider(
    registry: Mapping[str, Provider], path: str, model: str | None, default_provider: str, keys: Mapping[str, str]
) -> tuple[Provider, str | None]:
    """The provider, and the model behind its prefix (None: the name has none, and stays as it is).

    Where the default provider's own models contain slashes (``openai/gpt-4o`` at OpenRouter), a known prefix means
    another provider only if that one can be used here.
    """
    default_provider = _default_name(registry, path, model, default_provider)
    default = find_provider(registry, default_provider)
    prefix, slash, rest = (model or "").partition("/")
    if slash:
        named = find_provider(registry, prefix)
        if named is not None and rest:
            is_usable = named == default or not named.needs_key or named.name in keys
            if is_usable or default is None or not default.has_slashed_models:
                return named, rest
        elif default is None or not default.has_slashed_models:
            known = ", ".join(sorted(registry))
            message = (
                f"The model {model!r} does not begin with a provider that is known here. Write provider/model with one "
                f"of: {known}; or add the provider to the settings."
            )
            raise InvalidRequestError(message, code="unknown_provider", param="model")
    if default is None:
        message = (
            f"No provider named {default_provider!r} is known here, so a model without a provider before it cannot be "
            "served. Write provider/model, or set `default_provider` to one of: " + ", ".join(sorted(registry)) + "."
        )
        raise InvalidRequestError(message, code="unknown_provider", param="model")
    return default, None


def _endpoint(provider: Provider, path: str, model: str | None) -> str:
    base = provider.base_url.rstrip("/")
    if not base:
        message = (
            f"The provider {provider.name} has no base URL. Its operator sets `providers.{provider.name}.base_url`"
            + (" to https://NAME.openai.azure.com." if provider.path_style == "azure" else ".")
        )
        raise InvalidRequestError(message, code="provider_not_configured", param="model")
    plain, mark, query = path.lstrip("/").partition("?")
    if _DOT_SEGMENT.search(plain):
        message = "The path must not contain `.` or `..` segments."
        raise InvalidRequestError(message, code="invalid_path")
    if provider.path_style != "azure" or base.endswith("/v1"):
        return _safe_path(f"{base}/{plain}{mark}{query}")
    root = base.removesuffix("/openai") + "/openai"
    if provider.api_version and "api-version=" not in query:
        query = f"{query}&api-version={provider.api_version}".lstrip("&")
    if plain in DEPLOYMENT_PATHS and model and "/deployments/" not in base:
        plain = f"deployments/{quote(model, safe='')}/{plain}"
    elif "/deployments/" in base:
        root = base
    return _safe_path(f"{root}/{plain}" + (f"?{query}" if query else ""))


def _credentials(provider: Provider, key: str | None) -> Headers:
    extra = tuple((name.encode("latin-1"), value.encode()) for name, value in provider.extra_headers)
    if not key:
        return extra
    if provider.path_style == ANTHROPIC and key.strip().startswith(OAUTH_TOKEN):
        return ((b"authorization", f"Bearer {key.strip()}".encode()), *extra)
    return ((provider.key_header.encode("latin-1"), f"{provider.key_prefix}{key.strip()}".encode()), *extra)


def _missing_key(provider: Provider) -> AuthenticationError:
    variable = f"set {provider.key_env[0]} in the gateway's environment, " if provider.key_env else ""
    message = (
        f"There is no key for the provider {provider.name}: {variable}set `providers.{provider.name}.api_key` in its "
        f"settings, or send the key in the header {PROVIDER_KEY_HEADER}."
    )
    return AuthenticationError(message, code="missing_provider_key")


def _split_target(target: str) -> tuple[str, str, str]:
    """Scheme, authority, and path with query."""
    text = target.strip()
    if _ENCODED_SCHEME.match(text):
        plain, mark, query = text.partition("?")
        plain = unquote(plain)
        if "?" in plain or "#" in plain:
            raise _invalid_forward(reason="an encoded URL must end before its query")
        text = f"{plain}{mark}{query}"
    match = _SCHEME.match(text)
    if match is None:
        raise _invalid_forward(reason="it must begin with https:// or http://")
    rest = text[match.end() :]
    end = min((place for place in map(rest.find, "/?#") if place >= 0), default=len(rest))
    path = rest[end:].partition("#")[0]
    if _DOT_SEGMENT.search(path.partition("?")[0]):
        raise _invalid_forward(reason="its path must not contain `.` or `..` segments")
    return match[1].lower(), rest[:end], path


def _split_authority(authority: str, scheme: str) -> tuple[str, int]:
    if "@" in authority:
        raise _invalid_forward(reason="it must not hold a user name or password; send the key in `Authorization`")
    if not authority.isascii():
        raise _invalid_forward(reason="write an international host name in its ASCII form (xn--…)")
    host, _, number = authority.rpartition(":") if _has_port(authority) else (authority, "", "")
    if number and (not number.isdigit() or not 0 < int(number) <= MAX_PORT):
        raise _invalid_forward(reason="its port is not a number from 1 to 65535")
    try:
        return normal_host(host), int(number) if number else DEFAULT_PORTS[scheme]
    except ValueError:
        raise _invalid_forward(reason="its host is not one") from None


def _has_port(authority: str) -> bool:
    return ":" in authority.rpartition("]")[2]


def _invalid_forward(*, reason: str) -> InvalidRequestError:
    message = (
        f"The URL after /forward/ cannot be used: {reason}. Write the provider's base URL in full, as in "
        "/forward/https://api.openai.com/v1."
    )
    return InvalidRequestError(message, code="invalid_forward_url")


def _not_allowed(scheme: str, host: str, port: int, allow: AllowList) -> PermissionDeniedError:
    hint = ""
    if scheme == "http" and allow.permits("https", host, DEFAULT_PORTS["https"]):
        hint = " It is allowed over https."
    message = (
        f"{scheme}://{host}:{port} is not among the hosts that this gateway forwards to.{hint} Its operator can allow "
        f"it with `--allow-upstream {host}:{port}` or `allow_upstreams` in the settings."
    )
    return PermissionDeniedError(message, code="upstream_not_allowed")


def _safe_path(text: str) -> str:
    """The same text, with what may not stand in a request line percent-encoded."""
    return quote(text, safe=_KEPT_IN_PATH) if _UNSAFE.search(text) else text
