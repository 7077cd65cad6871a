"""The dialects that carry a conversation, by the path behind the base URL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recollect.wire.chat_completions import CHAT_COMPLETIONS
from recollect.wire.completions import COMPLETIONS
from recollect.wire.messages import MESSAGES
from recollect.wire.responses import RESPONSES

if TYPE_CHECKING:
    from recollect.wire.prompt import Dialect

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (CHAT_COMPLETIONS, RESPONSES, COMPLETIONS, MESSAGES)
}
_THREAD = re.compile(r"/threads/[^/]+/messages$")
"""OpenAI's assistants have messages of another kind."""


def dialect_of_url(url: str) -> str:
    """The name of the dialect that is spoken at a provider's URL, "" for none."""
    path = url.partition("?")[0].rstrip("/")
    if _THREAD.search(path):
        return ""
    return next((name for name in DIALECTS if path.endswith("/" + name)), "")
