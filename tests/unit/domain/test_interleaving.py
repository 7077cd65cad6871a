"""Two chats without names in one session: what follows a run is another chat's message, or one that is edited."""

from __future__ import annotations

import pytest

from recollect.domain.alignment import align
from recollect.domain.capture import After, AtHead
from recollect.domain.ids import Fingerprint, MessageId, MessageNumber, SessionName, VaultId
from recollect.domain.interleaving import REMEMBERED_MESSAGES, Interleaving
from recollect.domain.vaults import BranchEntry

VAULT, SESSION = VaultId(1), SessionName("s")


def mark(text: str) -> Fingerprint:
    return Fingerprint(text.encode())


def branch_of(*texts: str) -> list[BranchEntry]:
    return [
        BranchEntry(MessageId(text.encode()), MessageNumber(number), mark(text), "user", mark(text))
        for number, text in enumerate(texts)
    ]


BRANCH = branch_of("a1", "ra1", "b1", "rb1")
GOES_ON = [mark(text) for text in ("a1", "ra1", "a2")]


def test_without_a_note_it_is_an_edit() -> None:
    alignment = align(GOES_ON, BRANCH)
    assert Interleaving().settle(VAULT, SESSION, alignment, BRANCH) == alignment
    assert alignment.anchor == After(BRANCH[1].id)


def test_behind_another_chats_message_the_chat_goes_on_at_the_head() -> None:
    interleaving = Interleaving()
    interleaving.note(VAULT, SESSION, mark("b1"))
    settled = interleaving.settle(VAULT, SESSION, align(GOES_ON, BRANCH), BRANCH)
    assert (settled.anchor, settled.known) == (AtHead(), 2)


@pytest.mark.parametrize(("vault", "session"), [(VaultId(2), SESSION), (VAULT, SessionName("t"))])
def test_a_note_is_about_one_session_of_one_vault(vault: VaultId, session: SessionName) -> None:
    interleaving = Interleaving()
    interleaving.note(vault, session, mark("b1"))
    alignment = align(GOES_ON, BRANCH)
    assert interleaving.settle(VAULT, SESSION, alignment, BRANCH) == alignment


def test_a_chat_that_goes_on_at_the_end_is_left_alone() -> None:
    interleaving = Interleaving()
    interleaving.note(VAULT, SESSION, mark("b1"))
    alignment = align([mark("b1"), mark("rb1"), mark("b2")], BRANCH)
    assert interleaving.settle(VAULT, SESSION, alignment, BRANCH) == alignment


def test_notes_are_bounded() -> None:
    interleaving = Interleaving()
    interleaving.note(VAULT, SESSION, mark("b1"))
    for number in range(REMEMBERED_MESSAGES):
        interleaving.note(VAULT, SESSION, mark(f"later {number}"))
    alignment = align(GOES_ON, BRANCH)
    assert interleaving.settle(VAULT, SESSION, alignment, BRANCH) == alignment
