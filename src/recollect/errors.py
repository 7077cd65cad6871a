"""Every error that Recollect raises.

::

    RecollectError
    ├── RequestError            the caller's fault: status 4xx, OpenAI's error body
    │   ├── InvalidRequestError         400  a field is malformed, unknown or out of range
    │   ├── AuthenticationError         401  no key, or a wrong, malformed or revoked one
    │   ├── PermissionDeniedError       403  the key is of the wrong kind, or the target is not allowed
    │   ├── NotFoundError               404  no such user, session, message, trace, model or route
    │   ├── MethodNotAllowedError       405
    │   ├── RequestTimeoutError         408  the caller fell silent in the middle of its body
    │   ├── ConflictError               409
    │   ├── PayloadTooLargeError        413
    │   ├── UnsupportedMediaTypeError   415
    │   ├── UnprocessableError          422
    │   ├── UpgradeRequiredError        426  a WebSocket was asked for where there is none
    │   └── RateLimitedError            429
    ├── ServiceError            ours or the network's: status 5xx
    │   ├── UpstreamConnectError        502  the provider could not be reached
    │   ├── UpstreamBrokenError         502  the provider broke off in the middle of its reply
    │   ├── UpstreamTimeoutError        504  the provider did not answer in time
    │   ├── StoreUnavailableError       503  the database fails, is full or is locked
    │   ├── EmbedderUnavailableError    503  the embedding model or endpoint cannot be used
    │   ├── ExtractorUnavailableError   503  the extractor's endpoint cannot be used now
    │   ├── ModelRefusedError           502  a model that the gateway itself asks answered with an error status
    │   └── ModelReplyError             502  what such a model answered cannot be used
    └── SettingsError           settings are wrong: names each and what to do

Each says what is wrong, whose fault it is and what to do next. ``code`` is stable; the reference page
``docs/reference/errors.md`` lists every one.
"""

from __future__ import annotations

import traceback
from typing import ClassVar


class RecollectError(Exception):
    """The root of the tree."""


class ApiError(RecollectError):
    """An error with a place in OpenAI's envelope ``{"error": {"message", "type", "param", "code"}}``."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    default_code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        """Take what is wrong and what to do next, the stable code, and the field at fault."""
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        """More header fields for the answer, names in lower case."""


class RequestError(ApiError):
    """The caller's fault."""

    status = 400
    type = "invalid_request_error"
    default_code = "invalid_request"


class InvalidRequestError(RequestError):
    """A field is malformed, unknown or out of range."""


class AuthenticationError(RequestError):
    """No key, or a wrong, malformed or revoked one."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class PermissionDeniedError(RequestError):
    """The key is of the wrong kind, or the target is not allowed."""

    status = 403
    type = "permission_error"
    default_code = "permission_denied"


class NotFoundError(RequestError):
    """No such user, session, message, trace, model or route."""

    status = 404
    default_code = "not_found"


class MethodNotAllowedError(RequestError):
    """The path exists, the method does not."""

    status = 405
    default_code = "method_not_allowed"


class RequestTimeoutError(RequestError):
    """The caller fell silent in the middle of its body."""

    status = 408
    default_code = "request_timeout"


class ConflictError(RequestError):
    """The request contradicts what is stored."""

    status = 409
    default_code = "conflict"


class PayloadTooLargeError(RequestError):
    """The body is over the limit."""

    status = 413
    default_code = "payload_too_large"


class UnsupportedMediaTypeError(RequestError):
    """The content type or encoding is not understood."""

    status = 415
    default_code = "unsupported_media_type"


class UnprocessableError(RequestError):
    """Well-formed, but cannot be done."""

    status = 422
    default_code = "unprocessable"


class UpgradeRequiredError(RequestError):
    """A WebSocket was asked for where there is none: clients fall back to HTTP on this status."""

    status = 426
    default_code = "websocket_unsupported"


class RateLimitedError(RequestError):
    """A limit of this gateway, not the provider's."""

    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"

    def __init__(self, message: str, *, code: str | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """``headers`` say when it is worth trying again."""
        super().__init__(message, code=code)
        self.headers = headers


class ServiceError(ApiError):
    """Ours or the network's."""

    status = 500


class UpstreamConnectError(ServiceError):
    """The provider could not be reached."""

    status = 502
    type = "upstream_error"
    default_code = "upstream_unreachable"


class UpstreamBrokenError(ServiceError):
    """The provider broke off in the middle of its reply. ``is_ours``: this gateway had a part in how the reply looks or
    ends (it translated it, or gave up waiting), so that there is no break of the provider's to pass on as it is."""

    status = 502
    type = "upstream_error"
    default_code = "upstream_broken"
    is_ours = False


class UpstreamTimeoutError(ServiceError):
    """The provider did not answer in time."""

    status = 504
    type = "upstream_error"
    default_code = "upstream_timeout"


class StoreUnavailableError(ServiceError):
    """The database fails, is full or is locked."""

    status = 503
    default_code = "store_unavailable"


class EmbedderUnavailableError(ServiceError):
    """The embedding model or endpoint cannot be used."""

    status = 503
    default_code = "embedder_unavailable"


class ExtractorUnavailableError(ServiceError):
    """The extractor's endpoint cannot be used now; ``retry_after_s`` says when to ask again, where that is known."""

    status = 503
    default_code = "extractor_unavailable"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        """Tell what is wrong, and for how long."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelRefusedError(ServiceError):
    """A model that the gateway itself asks answered with an error status.

    ``answered`` is that status; ``retry_after_s`` what its ``Retry-After`` said; ``mentions_limit``: it asks for
    ``max_completion_tokens``.
    """

    status = 502
    type = "upstream_error"
    default_code = "model_refused"

    def __init__(
        self, message: str, *, answered: int, retry_after_s: float | None = None, mentions_limit: bool = False
    ) -> None:
        """Tell what it answered, without its words."""
        super().__init__(message)
        self.answered = answered
        self.retry_after_s = retry_after_s
        self.mentions_limit = mentions_limit


class ModelReplyError(ServiceError):
    """What a model answered that the gateway itself asked cannot be used."""

    status = 502
    type = "upstream_error"
    default_code = "model_reply_unusable"


class SettingsError(RecollectError):
    """Settings are wrong: the message names each and says what to do. ``problems`` has a sentence for each."""

    def __init__(self, *problems: str) -> None:
        """Take what is wrong, a sentence for each setting."""
        super().__init__("\n".join(problems))
        self.problems = problems


def place_of(error: BaseException) -> str:
    """The kind of an error and where it was raised, for a log: its own words may quote a message."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"
