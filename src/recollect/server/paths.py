"""Which of our surfaces a path means, however the client spells its base URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import lru_cache
from urllib.parse import unquote

from recollect.errors import InvalidRequestError
from recollect.wire.dialects import DIALECTS, dialect_of_url

_MESSAGES = re.compile(r"(?:.*/v1/)?messages(?:/.*)?")
_forward = re.compile(r"/+(?:api/+)?(?:v1/+)*forward/+(.*)", re.DOTALL)
_version_prefix = re.compile(r"(?:api/)?(?:v1/)+")
_vendor_prefix = re.compile(r"(?:v1beta/)?openai/(?:v1/)*(?:deployments/[^/]+/)?")
"""Azure's, and Gemini's."""
_slashes = re.compile(r"/{2,}")
_OPERATIONS = frozenset({"healthz", "readyz", "metrics", "openapi.json", ""})
_PROVIDER_ROOTS = frozenset(
    {
        "assistants",
        "audio",
        "batches",
        "chat",
        "chatkit",
        "completions",
        "containers",
        "conversations",
        "embeddings",
        "evals",
        "files",
        "fine_tuning",
        "images",
        "messages",
        "models",
        "moderations",
        "realtime",
        "responses",
        "threads",
        "uploads",
        "vector_stores",
        "videos",
    }
)
"""What OpenAI and Anthropic serve under ``/v1``: understood without it, too."""


class Surface(StrEnum):
    """Who answers."""

    OPENAI = auto()
    FORWARD = auto()
    OWN = auto()


@dataclass(frozen=True, slots=True)
class Target:
    """``path`` is what stands behind ``/v1/``, still percent-encoded; in forward style the upstream's URL; for our own
    surface the decoded path, beginning with a slash (``/memory/search``).
    """

    surface: Surface
    path: str
    is_dialect: bool = False
    """The body is read as a whole, because memory takes part."""

    @property
    def is_own(self) -> bool:
        """We answer ourselves."""
        return self.surface is Surface.OWN

    @property
    def is_forward(self) -> bool:
        """The path is a URL to forward to."""
        return self.surface is Surface.FORWARD

    @property
    def error_dialect(self) -> str:
        """In whose shape errors are told: ``messages`` for Anthropic's paths, "" for everything else."""
        if self.is_own:
            return ""
        path = self.path.partition("?")[0]
        return "messages" if _MESSAGES.fullmatch(path) and "/threads/" not in path else ""


@lru_cache(maxsize=1024)
def classify(raw_path: bytes) -> Target:
    """Tell the surfaces apart. InvalidRequestError for a path that climbs (``..``)."""
    text = raw_path.decode("latin-1")
    forward = _forward.match(text)
    if forward:
        target = forward[1]
        return Target(Surface.FORWARD, target, is_dialect=bool(dialect_of_url(target)))
    path = _slashes.sub("/", text).strip("/")
    if any(unquote(step) in {".", ".."} for step in path.split("/")):
        message = "The path must not contain `.` or `..` steps."
        raise InvalidRequestError(message, code="invalid_path")
    version = _version_prefix.match(path + "/")
    rest = (path + "/")[version.end() :].rstrip("/") if version else path
    root = rest.partition("/")[0]
    if root == "memory":
        return Target(Surface.OWN, "/" + unquote(rest))
    vendor = _vendor_prefix.match(rest + "/")
    if vendor and rest not in _OPERATIONS:
        rest = (rest + "/")[vendor.end() :].rstrip("/")
        return Target(Surface.OPENAI, rest, is_dialect=rest in DIALECTS)
    if (version and rest) or root in _PROVIDER_ROOTS:
        return Target(Surface.OPENAI, rest, is_dialect=rest in DIALECTS)
    return Target(Surface.OWN, "/" + unquote(rest))
