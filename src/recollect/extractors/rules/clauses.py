"""Sentences that assert something: not questions, not quotations, not code, not what is merely imagined."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "\ufffc"
"""Stands in, character for character, for what is not the speaker's own assertion."""
_PLAIN = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u00b4": "'", "\u00a0": " ", "\t": " "})
"""Character for character, so that places stay what they are."""
LONGEST_MESSAGE = 20_000
LONGEST_SENTENCE = 600
ABBREVIATION = 8
"""No abbreviation is longer: looking further back would cost the square of a text's length."""

_foreign = re.compile(
    r"```.*?(?:```|\Z)"  # code
    r"|`[^`\n]*`"
    r"|^[ \t]*>.*?$"  # quoted lines
    r"|^[ \t]*(?:#{1,6}|[-*•+]|\d+[.)])[ \t].*?$"  # headings and items of lists: pasted, or not sentences
    r"|\[[^\]\n]{0,500}\]"  # descriptions of pictures, links
    r"|[\"“„«][^\"”“»\n]{0,500}[\"”“»]"
    r"|(?<!\w)['\u2018][^'\u2019\n]{3,}['\u2019](?!\w)"
    r"|https?://\S+",
    re.DOTALL | re.MULTILINE,
)
_end = re.compile(r"(?<=[.!?…])[\"')\]]*(?=\s|$)|\n+|(?<=[^\w\s,;:'\"\-\u2013\u2014(/])(?=\s+[A-ZÄÖÜ¿¡])")
_abbreviation = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|vs|etc|e\.g|i\.e|z\.B|bzw|Sr|Sra|Dra|[A-Z])|\b\d{1,2})\.$")
_asking = re.compile(
    r"(?:[,;\u2013\u2014-]\s+(?:(?:and|so|but|und|y|pero|aber|also)\s+)?|\s(?:so|and|but|und|y)\s+)"
    r"(?:how|what|which|who|where|when|why|can|could|should|would|do|does|did|is|are|will|any|have|has|shall|isn't|"
    r"aren't|don't|doesn't|was|wie|was|welche[rsn]?|wer|wo|wann|warum|kannst|könntest|soll|gibt|hast|bist|"
    r"qué|cómo|cuál|cuándo|dónde|quién|puedes|podrías|crees|debería|hay|sabes)\b",
    re.IGNORECASE,
)
_doubtful = re.compile(
    r"\b(?:if|unless|whether|wish|imagine|pretend(?:ing)?|suppose|supposing|hypothetically|maybe|perhaps|might|"
    r"would|could|should|"
    r"sa(?:id|ys?|ying)|told|tells?|asked|asks|claim(?:s|ed)?|thinks?|thought|guess|dream(?:ed|t|s)?|hop(?:e|ing)|"
    r"joking|kidding|jk|pick ?up line|are you|sarcasm|example|as though|let's say|like when|when|until|till|"
    r"before|once|by the time|"
    r"wenn|falls|ob|würde|hätte|könnte|möchte|vielleicht|angenommen|sagte?|meinte?|dachte|als ob|stell dir|"
    r"bevor|sobald|"
    r"si|ojalá|quizás?|tal vez|dijo|dice|dicen|imagina|supongamos|como si|cuando|antes de|hasta que)\b",
    re.IGNORECASE,
)
_link = re.compile(
    r"(?:^|[,;:\u2013\u2014(!-]|\b(?:and|but|so|because|since|cause|cuz|coz|also|plus|well|yes|yeah|yep|yup|ya|"
    r"no|nope|nah|hey|hi|"
    r"hello|ok|okay|please|bitte|por favor|oh|ah|wow|haha|lol|actually|currently|now|nowadays|"
    r"personally|honestly|though|although|as|then|"
    r"btw|anyway|anyways|fyi|correction|sorry|thanks|true|sure|same|ikr|really|usually|luckily|unfortunately|"
    r"und|aber|weil|denn|auch|ja|nein|naja|also|außerdem|hallo|eigentlich|tatsächlich|übrigens|doch|"
    r"y|pero|porque|pues|sí|no|además|también|hola|bueno|aunque|ya que|en realidad|de hecho|perdón|corrección))\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """An assertion: ``text`` (foreign parts masked) begins at ``start`` of the message."""

    start: int
    text: str


def assertions(text: str) -> Iterator[Sentence]:
    """The sentences of a message that assert something, in order."""
    masked = mask_foreign(text)
    for start, end in _sentence_spans(masked):
        sentence = _declarative_part(masked[start:end])
        if sentence and len(sentence) <= LONGEST_SENTENCE:
            yield Sentence(start, sentence)


def mask_foreign(text: str) -> str:
    """The text, as long as it was, without code, quotations, lists and links; over-long texts are cut."""
    return _foreign.sub(lambda found: MASK * len(found[0]), text[:LONGEST_MESSAGE]).translate(_PLAIN)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where each sentence of a text begins and ends, surrounding space left out."""
    return list(_sentence_spans(text))


def is_assertive(before: str) -> bool:
    """What stands before a clause in its sentence lets the clause speak for the speaker, and for what is so."""
    return _doubtful.search(before) is None and _link.search(before) is not None


def has_doubt(text: str) -> bool:
    """The text imagines, supposes or reports."""
    return _doubtful.search(text) is not None


def _sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _end.finditer(text):
        if _abbreviation.search(text, max(start, found.start() - ABBREVIATION), found.start()) and "\n" not in found[0]:
            continue
        yield from _trimmed(text, start, found.end())
        start = found.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        begin = start + piece.index(stripped[0])
        yield begin, begin + len(stripped)


def _declarative_part(sentence: str) -> str:
    """A question's part before it begins to ask, "" where all of it asks."""
    if not sentence.rstrip("\"')]! ").endswith("?"):
        return sentence
    asking = _asking.search(sentence, 1)
    return sentence[: asking.start()] if asking and not sentence.startswith("¿") else ""
