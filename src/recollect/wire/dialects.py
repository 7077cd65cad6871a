"""The dialects that carry a conversation, by the path behind the base URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.chat_completions import CHAT_COMPLETIONS
from recollect.wire.completions import COMPLETIONS
from recollect.wire.responses import RESPONSES

if TYPE_CHECKING:
    from recollect.wire.prompt import Dialect

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (CHAT_COMPLETIONS, RESPONSES, COMPLETIONS)}
