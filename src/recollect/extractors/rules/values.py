"""From what a pattern caught to a value that can stand alone, or to nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recollect.extractors.rules.clauses import MASK
from recollect.extractors.rules.words import word_set

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_VALUE = 70
MOST_WORDS = 10

_LIST_ITEM = r"\s?(?!the\b|my\b|it\b|i\b|so\b|but\b)[\w'-]+(?:\s[\w'-]+)?"
_boundary = re.compile(
    rf"\s*(?:[;:()\u2013\u2014\n!?…]|\s-\s|\.(?:\s|$)|,(?!{_LIST_ITEM}(?:,{_LIST_ITEM})*,?\s(?:and|or|und|oder|y|o)\s)|"
    r"\b(?:because|but|so|when|whenever|while|since|which|who|whose|that|that's|thats|what|how|if|as|although|"
    r"though|even|especially|lol|haha|"
    r"hahaha|btw|cause|cuz|coz|thanks|until|unless|before|after|where|rather|like|it's|its|theyre|they're|they|"
    r"i|i'm|im|we|"
    r"he|she|"
    r"and (?:i|i'm|we|my|it|it's|he|she|they|you|the|this|that|also|then|how|always|just|can|can't|cant|will|would|"
    r"wouldn't|wouldnt|could|even|have|had|am|was|want|need|try|do|did|don't|hate|love|like|really|am|never|often)|"
    r"weil|aber|denn|wenn|als|obwohl|damit|dass|der|die|das|seit|und (?:ich|wir|mein|meine|das|es)|"
    r"porque|pero|cuando|que|aunque|desde|si|y (?:yo|mi|me|a|no|también))\b)(?P<behind>.*)",
    re.IGNORECASE | re.DOTALL,
)
_goes_on = re.compile(
    r"\s*(?:but|so|and|or|especially|like|because|it|its|it's|i|i'm|i've|im|we|he|she|they|you|the|that|this|"
    r"these|those|"
    r"which|who|as|though|although|even|particularly|recently|my|too|lol|haha|in|for|if|when|while|no|not|yes|"
    r"such|check|"
    r"what|how|do|have|just|at|on|with|maybe|then|there|some|to|since|aber|und|weil|denn|ich|wir|besonders|vor|"
    r"vor allem|"
    r"auch|das|es|wenn|pero|y|porque|sobre|especialmente|yo|me|mi|también|aunque|sin)\b|\s*$|\s*(?:(?-i:[A-Z])|"
    r"[^\w\s])",
    re.IGNORECASE,
)
_conditional = re.compile(
    r"\W*(?:as long as|provided|only (?:if|when)|if|unless|depending|but (?:only|it would|it has to|they have to)"
    r"|wenn|falls|solange|außer|aber nur|siempre que|si|a menos que|salvo|pero solo)\b",
    re.IGNORECASE,
)
"""Behind a value: it holds under a condition only."""
_restrictive = re.compile(r"\s*(?:that|that's|thats|what|how|who|whose|which|where|que)\b", re.IGNORECASE)
_tail = re.compile(
    r"(?:[\s,]+(?:too+|also|as well|so much|very much|a lot|a ton|right now|now|nowadays|these days|though|lol|"
    r"man|dude|"
    r"guys|bro|honestly|currently|actually|today|anymore|any more|still|again|myself|in general|tbh|sehr|auch|gerade|"
    r"momentan|jetzt|total|immer noch|mucho|también|ahora|actualmente|muchísimo|"
    r"(?:(?:a lot|much|way|even) )?(?:more|better)(?: than .*)?|the most|the best|best|most|sometimes|"
    r"am meisten|más))+$",
    re.IGNORECASE,
)
_dangling = re.compile(
    r"(?:^|\s)(?:to|and|or|with|for|of|at|in|on|by|from|can|the|a|an|em|is|are|und|oder|mit|von|in|auf|zu|ein|"
    r"eine|y|o|con|de|"
    r"en|a|un|una|el|la)$|(\w)\1\1|^to (?:watch|do|go|have|get|use|make|try|play|take|keep|help|read em)$",
    re.IGNORECASE,
)
_edge = " \t,.'\u2019\"“”*_~-"
_symbols = re.compile(r"[\U0001f000-\U0001ffff\u2190-\u2bff\ufe0f\u200d]+.*", re.DOTALL)
_pointing = re.compile(
    r"\b(?:you|your|yours|u|ur|it|its|it's|this|that|these|those|him|her|hers|his|them|their|they|he|she|here|"
    r"there|one|"
    r"ones|my|mine|me|i|our|us|thing|things|stuff|something|anything|everything|nothing|someone|anyone|"
    r"everyone|way|idea|"
    r"fact|part|sound|same|such|too|not|dich|dir|dein\w*|es|ihn|ihm|ihr\w*|sie|diese\w*|das|dass|hier|dort|mein\w*|"
    r"mich|uns|nicht|kein\w*|alles|nichts|etwas|wie|te|ti|tu|tus|lo|eso|esto|esa|ese|esta|este|él|ella|ellos|aquí|allí|"
    r"mi|mis|todo|nada|algo|cómo|no)\b",
    re.IGNORECASE,
)
_bad_start = re.compile(
    r"(?:how|what|when|where|why|who|whom|to (?:think|imagine|say|believe|see|hear|know|be|add|point|ask|share|call|"
    r"tell|thank|mention)|being|hearing|seeing|knowing|thinking|having|getting|the|all|both|more|most|some|any|every|"
    r"each|another|other|a bit|a lot|a little|so|very|and|or|of|in|on|at|as|is|are|was|will|would|can|"
    r"sometimes|talking|also|ready|"
    r"wenn|der|die|den|dem|zu|sehr|so|el|la|los|las|un poco|muy|cuando|donde)\b",
    re.IGNORECASE,
)


def place(text: str) -> str | None:
    """A place: a proper name of at most six words."""
    value = text.strip(_edge)
    words = value.split()
    is_name = (
        bool(words)
        and words[0].lower().rstrip(",") not in word_set("not_a_name")
        and any(ch.islower() or ch == "." for ch in value)
    )
    is_short = len(words) <= 6  # noqa: PLR2004 - "San Pedro de la Sierra, Mexico"
    is_known = value.isupper() and len(value) <= 4  # noqa: PLR2004 - NYC, LA, USA
    return value if words and is_short and MASK not in value and (is_name or is_known) else None


def name(text: str) -> str | None:
    """A person's or an animal's name."""
    value = text.strip(_edge)
    first = value.split()[0].lower() if value else ""
    return value if value and first not in word_set("not_a_name") and len(value) > 1 and not value.isupper() else None


def phrase(text: str) -> str | None:
    """What somebody likes, does or has: cut at the end of its clause, and without words that point elsewhere."""
    value = _cut(text)
    if value is None or _pointing.search(value):
        return None
    if _bad_start.match(value) and value.lower() not in word_set("generic"):
        return None
    return value


def activity(text: str) -> str | None:
    """As :func:`phrase`, for what begins with a verb and may speak of one's own things."""
    value = _cut(text)
    if value is None:
        return None
    if value in word_set("dull_verbs"):
        return None
    spoken = re.sub(r"\b(?:my|mein\w*|mis?)\b", "", value, flags=re.IGNORECASE)
    is_bare = spoken != value and len(value.split()) < 3  # noqa: PLR2004 - "see my …"
    return None if _pointing.search(spoken) or is_bare else value


def organisation(text: str) -> str | None:
    """Whom somebody works for: a proper name, or "a …"."""
    value = _cut(text)
    if value is None or _pointing.search(value):
        return None
    words = value.split()
    if words[0].lower() in {"a", "an", "the", "ein", "eine", "einem", "einer", "un", "una", "der", "dem", "el", "la"}:
        return value if len(words) > 1 and value.lower() not in word_set("vague_places") else None
    return value if words[0][0].isupper() and words[0].lower() not in word_set("not_a_name") else None


def food(text: str) -> str | None:
    """What is eaten or not: a few words."""
    value = phrase(text)
    return value if value and len(value.split()) <= 5 else None  # noqa: PLR2004 - "anything" is longer


_own = re.compile(
    r"(?:I|I'm|I've|my|we|we're|our|the|ich|mein\w*|wir|unser\w*|der|die|das|yo|mi|mis|nuestr\w+|tengo|soy|"
    r"vivo|el|la|no)\b",
    re.IGNORECASE,
)


def note(text: str) -> str | None:
    """What is to be remembered: the whole of it, of the speaker's own matters."""
    value = text.strip(_edge + "!")
    is_own = _own.match(value) and len(value.split()) >= 3  # noqa: PLR2004 - "I sing"
    is_about_them = re.search(r"\b(?:you|your|yours|du|dein\w*|dir|dich|Sie|Ihr\w*|tú|tus?|usted)\b", value)
    return value if is_own and not is_about_them and MASK not in value and len(value.split()) <= 40 else None  # noqa: PLR2004


def words(text: str) -> str | None:
    """What the pattern itself has delimited."""
    value = text.strip(_edge)
    return value or None


def _cut(text: str) -> str | None:
    """The text up to the end of its clause; None where that is not the end of what was meant."""
    found = _boundary.search(text)
    if found and found[0].lstrip().startswith(",") and not _goes_on.match(found["behind"]):
        return None  # "a safe, inviting place"
    if found and (_restrictive.match(found[0]) or _conditional.match(found[0])):
        return None  # "a style that …", "cloudy days as long as …"
    value = _symbols.sub("", text[: found.start()] if found else text).strip(_edge)
    value = _tail.sub("", value).strip(_edge)
    is_long = len(value) > LONGEST_VALUE or len(value.split()) > MOST_WORDS
    return None if not value or MASK in value or is_long or _dangling.search(value) else value


KINDS: dict[str, Callable[[str], str | None]] = {
    "place": place,
    "name": name,
    "phrase": phrase,
    "activity": activity,
    "organisation": organisation,
    "food": food,
    "note": note,
    "words": words,
}
