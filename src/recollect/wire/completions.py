"""The dialect of ``/completions``: a prompt without roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.content import read_content
from recollect.wire.prompt import Prompt
from recollect.wire.reply_completions import CompletionsReplyReader
from recollect.wire.usage import usage_edits
from recollect.wire.utterances import insert_text, model_edits, own_field_edits, user_utterance

if TYPE_CHECKING:
    from recollect.wire.json_document import JsonDocument, Member
    from recollect.wire.prompt import PromptEdit, ReplyReader


class Completions:
    """A string prompt is one user utterance. Prompts of tokens, and several at once, hold nothing for memory."""

    name = "completions"

    def read(self, body: JsonDocument) -> Prompt:
        """At most one utterance."""
        place = _prompt(body)
        found = None
        if place is not None:
            said = read_content(place.value, "prompt")
            found = user_utterance(said, place.value, is_storable=said.has_words)
        model = body.get("model")
        return Prompt(
            dialect=self.name,
            model=model if isinstance(model, str) else None,
            is_streamed=body.get("stream") is True,
            utterances=() if found is None else (found,),
            target=0 if found is not None and found.text.strip() else None,
            ends_with_user=found is not None,
            wants_structure=False,
            is_side_call="suffix" in body.values,
        )

    def edit(self, body: JsonDocument, edit: PromptEdit) -> bytes:
        """The block goes before a string prompt, which the model is to continue; a profile has no place here."""
        edits = own_field_edits(body) + model_edits(body, edit.model)
        edits += usage_edits(body) if edit.asks_usage else []
        place = _prompt(body)
        if place is not None and 0 in edit.blocks:
            edits += insert_text(body, place, edit.blocks[0], "text", is_first=True)
        return body.splice(edits)

    def reply_reader(self, *, is_streamed: bool) -> ReplyReader:
        """A reader for one reply."""
        return CompletionsReplyReader(is_streamed=is_streamed)


COMPLETIONS = Completions()


def _prompt(body: JsonDocument) -> Member | None:
    place = body.member("prompt")
    return place if place is not None and isinstance(place.value, str) else None
