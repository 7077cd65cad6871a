"""Alignment decides what is new: every habit of sending history has its case here."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.alignment import align
from recollect.domain.capture import After, AtHead
from recollect.domain.ids import MessageId, MessageNumber, SessionName, message_id, session_root
from recollect.domain.messages import fingerprint
from recollect.domain.vaults import BranchEntry


def mark(word: str):
    role = "assistant" if word.startswith("a") else "user"
    return fingerprint(role, word)


def branch_of(words: list[str]) -> list[BranchEntry]:
    parent: MessageId = session_root(SessionName("s"))
    entries = []
    for number, word in enumerate(words, 1):
        parent = message_id(parent, mark(word))
        role = "assistant" if word.startswith("a") else "user"
        entries.append(BranchEntry(parent, MessageNumber(number), mark(word), role, mark(word)))
    return entries


CASES = [
    # branch, incoming, known, the branch message that the new ones follow (None: at the head)
    ([], ["u1"], 0, None),
    (["u1", "a1"], ["u1", "a1", "u2"], 2, 1),
    (["u1", "a1", "u2", "a2"], ["u1", "a1", "u2", "a2", "u3"], 4, 3),
    (["u1", "a1", "u2", "a2"], ["u2", "a2", "u3"], 2, 3),
    (["u1", "a1", "u2", "a2"], ["a2", "u3"], 1, 3),
    (["u1", "a1", "u2", "a2"], ["u3"], 0, None),
    (["u1", "a1", "u2", "a2"], ["u1", "a1", "u2"], 3, 2),
    (["u1", "a1", "u2", "a2"], ["u1", "a1", "u2x"], 2, 1),
    (["u1", "a1"], ["u1"], 1, 0),
    (["u1", "a1", "u2", "a2"], ["u1"], 0, None),
    (["u1", "a1", "u2"], ["u2"], 1, 2),
    (["u1", "a1", "u2", "a2", "u3", "a3"], ["ux", "a1"], 0, None),
    (["u1", "a1", "u2", "a2"], ["summary of the start", "u2", "a2", "u3"], 3, 3),
    (["u1", "a1"], ["ux", "ax", "uy"], 0, None),
]


@pytest.mark.parametrize(("branch", "incoming", "known", "follows"), CASES)
def test_what_is_new_follows_the_right_message(branch, incoming, known, follows):
    entries = branch_of(branch)
    alignment = align([mark(word) for word in incoming], entries)
    assert alignment.known == known
    assert alignment.anchor == (AtHead() if follows is None else After(entries[follows].id))


def test_a_continuation_reaches_the_head_and_an_edit_does_not():
    entries = branch_of(["u1", "a1", "u2", "a2"])
    assert align([mark(w) for w in ["u2", "a2", "u3"]], entries).reaches_head
    assert not align([mark(w) for w in ["u1", "a1", "u2x"]], entries).reaches_head


@given(st.lists(st.sampled_from(["u1", "a1", "u2", "a2"]), max_size=8), st.integers(1, 3))
def test_a_full_history_is_known_to_its_last_message(words, new):
    history = [f"{word}-{index}" for index, word in enumerate(words)]
    fresh = [f"new-{index}" for index in range(new)]
    entries = branch_of(history)
    alignment = align([mark(word) for word in history + fresh], entries)
    if history:
        assert alignment.known == len(history)
        assert alignment.anchor == After(entries[-1].id)
    else:
        assert alignment.known == 0


@given(
    st.lists(st.sampled_from(["u", "a"]), min_size=1, max_size=12), st.lists(st.sampled_from(["u", "a"]), max_size=12)
)
def test_repeated_words_never_break_it(incoming, branch):
    alignment = align([mark(word) for word in incoming], branch_of(branch))
    assert 0 <= alignment.matched <= alignment.known <= len(incoming)


def test_a_message_is_named_by_its_place():
    entries = branch_of(["u1", "u1", "u1"])
    assert all(before.id != after.id for before, after in pairwise(entries))
