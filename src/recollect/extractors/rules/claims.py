"""From a message to claims: each rule on each assertion, its value checked, its quote cut from the text itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.domain.memories import Attribute, Change, Claim, Evidence
from recollect.extractors.instructions import is_instruction
from recollect.extractors.rules.clauses import MASK, assertions, has_doubt, is_assertive
from recollect.extractors.rules.rule import Dating, load_languages
from recollect.extractors.rules.times import find_span
from recollect.extractors.rules.values import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from recollect.domain.messages import StoredMessage
    from recollect.extractors.rules.clauses import Sentence
    from recollect.extractors.rules.rule import Rule
    from recollect.extractors.rules.times import Span

LONGEST_QUOTE = 240
LONGEST_OPENING = 40
LONGEST_PLAN = 14
LEAST_PLAN = 2
DATE_WINDOW = 120
FURTHEST_PLAN = timedelta(days=300)
SPEAKER = "user"
"""The subject where the speaker has no name."""

_since = re.compile(r"\b(?:since|seit|desde)\b", re.IGNORECASE)
_clause_end = re.compile(
    r"\s*(?:[,;:()!?\n\u2013\u2014]|\.(?:\s|$)|\s-\s|\b(?:but|so|because|and (?:i|we|my|it|then)|which|aber|"
    r"weil|und (?:ich|wir)|pero|"
    r"porque|y (?:me|mi|yo))\b).*",
    re.IGNORECASE | re.DOTALL,
)
_past_participle = re.compile(r"\b(?:ge\w+(?:t|en)|\w+iert)$")
_empty = re.compile(
    r"\b(?:not|n't|never|nicht|kein\w*|no|it|him|her|them|that|this|there|those|these|you|your|something|stuff|"
    r"lo|eso)\b"
    r"|^(?:starting|getting|trying) to\b|\bof the\s*$|-\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Catch:
    """What a rule caught in a sentence. ``end`` is where its value ends."""

    rule: Rule
    found: re.Match[str]
    value: str
    end: int


def claims_of(message: StoredMessage) -> tuple[list[Claim], dict[str, int]]:
    """The claims that a user's message makes, and what was dropped, by reason."""
    claims: list[Claim] = []
    dropped: dict[str, int] = {}
    if message.role != "user":
        return claims, dropped
    for sentence in assertions(message.text):
        for claim in _claims_of_sentence(message, sentence):
            if claim.attribute is not Attribute.NOTE and is_instruction(claim.evidence[0].quote):
                dropped["instruction"] = dropped.get("instruction", 0) + 1
            elif not any(_is_same(claim, known) for known in claims):
                claims.append(claim)
    return claims, dropped


def _claims_of_sentence(message: StoredMessage, sentence: Sentence) -> Iterator[Claim]:
    taken: list[tuple[Attribute, int, int]] = []
    for language in load_languages():
        for rule in language.rules:
            for found, before in _matches(message, sentence, rule):
                claims = list(_claims_of_match(message, sentence, rule, found))
                end = found.start("value") + len(claims[0].value) if claims else 0
                here = (rule.attribute, found.start(), max(end, found.start("value")))
                if not claims or any(_overlap(here, other) for other in taken):
                    continue
                taken.append(here)
                is_correction = language.correction.search(before) is not None or "denied" in _groups(found)
                yield from (_corrected(claim, rule) if is_correction else claim for claim in claims)


def _matches(message: StoredMessage, sentence: Sentence, rule: Rule) -> Iterator[tuple[re.Match[str], str]]:
    """Where a rule's words stand as an assertion, and what stands before them in the sentence."""
    position = 0
    while found := rule.pattern.search(sentence.text, position):
        position = found.start() + 1  # a match reaches to the end of its sentence, which may say as much again
        before = sentence.text[: found.start()]
        if is_assertive(before) or _is_dated_opening(before, message.occurred_at, rule):
            yield found, before


def _overlap(one: tuple[Attribute, int, int], other: tuple[Attribute, int, int]) -> bool:
    return one[0] is other[0] and one[1] < other[2] and other[1] < one[2]


def _groups(found: re.Match[str]) -> dict[str, str]:
    return {name: text for name, text in found.groupdict().items() if text is not None}


def _claims_of_match(message: StoredMessage, sentence: Sentence, rule: Rule, found: re.Match[str]) -> Iterator[Claim]:
    if rule.dating is Dating.PLAN:
        yield from _plan(message, sentence, rule, found)
        return
    value = KINDS[rule.value](found["value"])
    if value is None:
        return
    end = found.start("value") + max(found["value"].find(value), 0) + len(value)
    span = _date(message, sentence, rule, found, end)
    begins = _beginning(message, rule, span)
    yield _claim(message, sentence, Catch(rule, found, value, end), begins)
    old = found.groupdict().get("old")
    former = KINDS[rule.value](old) if old else None
    if former is not None:
        until = begins or message.occurred_at
        ended = _claim(message, sentence, Catch(rule, found, former, max(end, found.end("old"))), None)
        yield replace(ended, change=Change.ENDS, valid_to=until)


def _plan(message: StoredMessage, sentence: Sentence, rule: Rule, found: re.Match[str]) -> Iterator[Claim]:
    """A plan has a day, which is still to come, and is neither supposed nor denied."""
    text = found["value"]
    span = find_span(text, message.occurred_at, rule.tense)
    said_on = message.occurred_at.date()
    if span is None or not said_on <= span.first <= said_on + FURTHEST_PLAN or _clause_end.search(text[: span.start]):
        return
    whole = text[: span.end] + _clause_end.sub("", text[span.end :], count=1)
    value = (whole if len(whole.split()) <= LONGEST_PLAN else text[: span.end]).strip(" ,.")
    rest = value.replace(text[span.start : span.end], "")
    is_vague = MASK in value or has_doubt(value) or _empty.search(rest) or _past_participle.search(value)
    if is_vague or len(value.split()) > LONGEST_PLAN or len(rest.split()) < LEAST_PLAN or "," in rest:
        return
    catch = Catch(rule, found, value, found.start("value") + len(value))
    yield replace(_claim(message, sentence, catch, span.begins_at), valid_to=span.ends_at)


def _claim(message: StoredMessage, sentence: Sentence, catch: Catch, begins: datetime | None) -> Claim:
    rule, found = catch.rule, catch.found
    groups = _groups(found)
    speaker = message.name or SPEAKER
    is_kin = "kin" in groups and "{kin}" not in rule.form
    evidence = _evidence(message, sentence, found.start(), catch.end)
    has_ended = rule.change is Change.ENDS
    return Claim(
        subject=f"{speaker}'s {groups['kin']}" if is_kin else speaker,
        attribute=rule.attribute,
        value=rule.form.format(**{**groups, "value": catch.value}),
        evidence=(evidence,),
        stated_at=message.occurred_at,
        change=rule.change,
        valid_from=begins,
        valid_to=message.occurred_at if has_ended else None,
        denied=groups.get("denied"),
        is_quotation=rule.attribute is Attribute.NOTE and is_instruction(catch.value),
    )


def _evidence(message: StoredMessage, sentence: Sentence, start: int, end: int) -> Evidence:
    """The sentence, or of a long one the clause."""
    if len(sentence.text) <= LONGEST_QUOTE:
        start, end = 0, len(sentence.text)
    first = sentence.start + start
    behind = sentence.start + max(end, start + 1)
    quote = message.text[first:behind].rstrip()
    return Evidence(message.number, first, first + len(quote), quote)


def _date(message: StoredMessage, sentence: Sentence, rule: Rule, found: re.Match[str], end: int) -> Span | None:
    """The day in the clause itself or behind it, else in what opens the sentence."""
    if rule.dating is Dating.NOTHING:
        return None
    clause = sentence.text[found.start() : end + DATE_WINDOW]
    clause = clause[: end - found.start()] + _clause_end.sub("", clause[end - found.start() :], count=1)
    opening = sentence.text[: found.start()][-LONGEST_OPENING:]
    for text in (clause, opening):
        span = find_span(text, message.occurred_at, rule.tense)
        if span is not None and span.first <= message.occurred_at.date():
            is_since = _since.search(text[max(0, span.start - 7) : span.end]) is not None
            return span if is_since or rule.dating is Dating.EVENT else None
    return None


def _beginning(message: StoredMessage, rule: Rule, span: Span | None) -> datetime | None:
    if rule.dating is Dating.EVENT:
        return span.begins_at if span else message.occurred_at
    return span.begins_at if span and rule.change is not Change.ENDS else None


def _is_dated_opening(before: str, said_at: datetime, rule: Rule) -> bool:
    """``Last April I moved``, ``Im Mai bin ich``: nothing but a day stands before."""
    opening = before.strip(" ,")
    if not opening or len(opening) > LONGEST_OPENING:
        return False
    span = find_span(opening, said_at, rule.tense)
    words = opening[: span.start].split() if span and span.end == len(opening) else [opening, "", ""]
    return len(words) <= 1


def _corrected(claim: Claim, rule: Rule) -> Claim:
    is_state = rule.change is Change.STATES and rule.dating not in {Dating.EVENT, Dating.PLAN}
    return replace(claim, change=Change.CORRECTS) if is_state and claim.change is Change.STATES else claim


def _is_same(one: Claim, other: Claim) -> bool:
    return (one.subject, one.attribute, one.value.casefold()) == (
        other.subject,
        other.attribute,
        other.value.casefold(),
    )
