"""The gate speaks up for people who ask about themselves, and for nobody's errands."""

from __future__ import annotations

from datetime import date

import pytest

from recollect.recall.gate import OWN_COSINE, decide
from recollect.recall.query import read_query

NEAR = {"dense": OWN_COSINE + 0.05, "dense_mean": 0.2, "late": 0.2, "late_window": 0.2, "coverage": 0.0, "unknown": 1.0}
FAR = {**NEAR, "dense": OWN_COSINE - 0.05}


def verdict(text, evidence=NEAR, threshold=None, *, has_known_scale=True):
    return decide(evidence, read_query(text, [], date(2026, 5, 1), None), threshold, has_known_scale=has_known_scale)


@pytest.mark.parametrize(
    "question",
    [
        "What are my hobbies?",
        "Where do I live?",
        "What am I allergic to?",
        "Did I mention a deadline?",
        "Was sind meine Hobbys?",
        "Bin ich gegen etwas allergisch?",
        "¿Cuáles son mis aficiones?",
        "我的爱好是什么？",
        "私の趣味は何ですか",
    ],
)
def test_a_question_about_oneself_opens_it_where_something_is_near(question):
    assert verdict(question).is_open
    assert not verdict(question, FAR).is_open
    assert verdict(question, FAR, has_known_scale=False).is_open, "another model's cosines say nothing absolute"


@pytest.mark.parametrize(
    "errand",
    [
        "How do I undo the last commit in git?",
        "How can I convert my file to PDF?",
        "What is the capital of France?",
        "Explain the difference between TCP and UDP.",
        "Wie kann ich eine Datei umbenennen?",
    ],
)
def test_an_errand_does_not(errand):
    assert not verdict(errand).is_open


def test_whoever_asks_for_everything_gets_it():
    assert verdict("What do you know about me?", FAR).is_open
    assert verdict("Wer bin ich?", FAR).is_open


def test_a_threshold_of_the_callers_own_rules():
    assert not verdict("What are my hobbies?", threshold=0.9).is_open
