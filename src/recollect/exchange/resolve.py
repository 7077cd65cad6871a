"""Stage 2: which vault, which session, and which part of the history is not stored yet?"""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.domain.alignment import Alignment, align
from recollect.domain.capture import After, AtHead
from recollect.domain.ids import Lineage, ProjectId, SessionName, new_id, next_lineage
from recollect.domain.interleaving import Interleaving
from recollect.domain.messages import fingerprint
from recollect.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from recollect.exchange.exchange import Conversation, Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.controls import Controls
    from recollect.domain.ids import Fingerprint, MessageNumber, VaultId
    from recollect.domain.keys import Principal
    from recollect.domain.vaults import Session, Vault
    from recollect.exchange.exchange import Exchange
    from recollect.stores.base import SessionStore, VaultStore
    from recollect.wire.prompt import Prompt

LOCAL_USER = "default"
CANDIDATES = 8
"""How many sessions are compared with a request's history before it counts as a new conversation."""
REMEMBERED_RESPONSES = 10_000
DIALOGUE_ROLES = frozenset({"user", "assistant", "tool"})
MAX_NAME_CHARACTERS = 512


def user_of(principal: Principal, controls: Controls) -> str:
    """The user whose vault is meant; PermissionDeniedError where a vault key asks for another one's."""
    if principal.user is not None:
        if controls.user not in {None, principal.user}:
            message = "This key opens the vault of one user only. Leave the user out, or use a client key."
            raise PermissionDeniedError(message, code="wrong_user", param="user")
        return principal.user
    user = controls.user
    if user is None:
        return LOCAL_USER if principal.key_id is None else f"key:{principal.key_id}"
    if len(user) > MAX_NAME_CHARACTERS:
        message = f"A user's name has at most {MAX_NAME_CHARACTERS} characters."
        raise InvalidRequestError(message, code="invalid_user", param="user")
    return user


def project_of(principal: Principal, controls: Controls) -> ProjectId:
    """The project that a request works in. A project named by the request is a part of the key's own project,
    never another key's: a key cannot reach beyond itself by a header."""
    if controls.project is None or controls.project == principal.project:
        return principal.project
    return ProjectId(f"{principal.project}/{controls.project}")


def conversation_of(prompt: Prompt, session: str | None) -> Conversation:
    """The dialogue of a request. Lineages begin anew in every named session."""
    lineage: Lineage = next_lineage(None, fingerprint("session", session or ""))
    lineages: list[Lineage] = []
    storable: list[int] = []
    for index, utterance in enumerate(prompt.utterances):
        if utterance.role in DIALOGUE_ROLES:
            lineage = next_lineage(lineage, utterance.fingerprint)
            if utterance.is_storable:
                storable.append(index)
        lineages.append(lineage)
    return Conversation(tuple(storable), tuple(lineages))


class Resolver:
    """Finds a request's place. Reads the store only; nothing is created before the capture."""

    def __init__(self, vaults: VaultStore, sessions: SessionStore) -> None:
        """Take where vaults and sessions are."""
        self._vaults = vaults
        self._sessions = sessions
        self._interleaving = Interleaving()
        self._session_of_response: OrderedDict[tuple[ProjectId, str, str], SessionName] = OrderedDict()
        self._shown_upstream: OrderedDict[tuple[ProjectId, str, str], frozenset[MessageNumber]] = OrderedDict()

    async def resolve(self, principal: Principal, controls: Controls, prompt: Prompt, now: datetime) -> Place:
        """The place of a request; NotFoundError for a user that is unknown and may not be created."""
        project, user = project_of(principal, controls), user_of(principal, controls)
        vault = await self._vaults.open_vault(project, user, may_create=False)
        if vault is None and not controls.may_create_user:
            message = (
                f"The user {user!r} is not known in this project. "
                "Allow its creation with `X-Memory-Create-User: true`, or check the name."
            )
            raise NotFoundError(message, code="user_not_found", param="user")
        conversation = conversation_of(prompt, controls.session)
        marks = [prompt.utterances[index].fingerprint for index in conversation.storable]
        name = self._named(project, user, controls, prompt)
        session, alignment = await self._find(vault, name, marks, controls, now)
        held = await self._held_upstream(vault, session, user, prompt)
        return Place(
            project=project,
            user=user,
            vault=vault,
            session_name=session.name if session else name or SessionName(new_id("ses")),
            session=session,
            anchor=alignment.anchor,
            new=conversation.storable[alignment.known :],
            conversation=conversation,
            sent_only_newest=session is not None and session.messages > 0 and len(marks) == 1 and not held,
            held_upstream=held,
        )

    def remember_response(self, place: Place, state_id: str, quoted: Sequence[MessageNumber] = ()) -> None:
        """Note which session a reply belongs to, and what the provider has been shown with it, for requests that
        continue its state (a response's id, or a conversation's)."""
        key = (place.project, place.user, state_id)
        self._session_of_response[key] = place.session_name
        self._shown_upstream[key] = place.held_upstream.union(quoted)
        for noted in (self._session_of_response, self._shown_upstream):
            noted.move_to_end(key)
            while len(noted) > REMEMBERED_RESPONSES:
                noted.popitem(last=False)

    async def _held_upstream(
        self, vault: Vault | None, session: Session | None, user: str, prompt: Prompt
    ) -> frozenset[MessageNumber]:
        """The session's messages and what blocks quoted, where the provider's own state is known to hold them."""
        if vault is None or session is None or prompt.continues is None:
            return frozenset()
        key = (vault.project, user, prompt.continues)
        if session.name not in {self._session_of_response.get(key), prompt.continues}:
            return frozenset()
        said = [entry.number for entry in await self._sessions.branch(vault.id, session.number)]
        return self._shown_upstream.get(key, frozenset()).union(said)

    def _named(self, project: ProjectId, user: str, controls: Controls, prompt: Prompt) -> SessionName | None:
        if controls.session is not None:
            if len(controls.session) > MAX_NAME_CHARACTERS:
                message = f"A session's name has at most {MAX_NAME_CHARACTERS} characters."
                raise InvalidRequestError(message, code="invalid_session", param="session_id")
            return SessionName(controls.session)
        if prompt.continues is None:
            return None
        known = self._session_of_response.get((project, user, prompt.continues))
        if known is None and prompt.continues.startswith("conv_"):
            return SessionName(prompt.continues)
        return known

    async def _find(
        self,
        vault: Vault | None,
        name: SessionName | None,
        marks: list[Fingerprint],
        controls: Controls,
        now: datetime,
    ) -> tuple[Session | None, Alignment]:
        nothing = Alignment(AtHead(), known=0, matched=0)
        if vault is None:
            return None, nothing
        if name is not None:
            session = await self._sessions.find_session(vault.id, name)
            return session, await self._align(vault.id, session, marks)
        if len(marks) > 1:
            session, alignment = await self._by_history(vault.id, marks)
            return session, await self._settle(vault.id, session, alignment, marks)
        latest = await self._sessions.latest_session(vault.id, controls.agent_id)
        if latest is None or now - latest.last_active_at > timedelta(seconds=controls.session_timeout_s):
            return None, nothing
        alignment = await self._align(vault.id, latest, marks)
        return latest, await self._settle(vault.id, latest, alignment, marks)

    async def _by_history(self, vault: VaultId, marks: list[Fingerprint]) -> tuple[Session | None, Alignment]:
        """The session whose live branch shares the longest run with the request. Among equals the one that the
        request continues goes before one that it would edit (two chats may begin alike), then the newest."""
        best: tuple[Session | None, Alignment] = (None, Alignment(AtHead(), known=0, matched=0))
        for session, branch in await self._sessions.sessions_with(vault, marks[:-1], CANDIDATES):
            alignment = align(marks, branch)
            if (alignment.matched, alignment.reaches_head) > (best[1].matched, best[1].reaches_head):
                best = (session, alignment)
        return best

    async def _settle(
        self, vault: VaultId, session: Session | None, alignment: Alignment, marks: list[Fingerprint]
    ) -> Alignment:
        """Two chats that do not say their names may share a session: neither abandons what the other said."""
        if session is None or alignment.reaches_head:
            return alignment
        if isinstance(alignment.anchor, After):
            branch = await self._sessions.branch(vault, session.number)
            alignment = self._interleaving.settle(vault, session.name, alignment, branch)
        if isinstance(alignment.anchor, AtHead) and session.messages and alignment.known < len(marks):
            self._interleaving.note(vault, session.name, marks[alignment.known])
        return alignment

    async def _align(self, vault: VaultId, session: Session | None, marks: list[Fingerprint]) -> Alignment:
        if session is None or not marks:
            return Alignment(AtHead(), known=0, matched=0)
        return align(marks, await self._sessions.branch(vault, session.number))


def place_without_store(exchange: Exchange) -> Place | None:
    """A place for the spool: what the history held before is not known, so only what is surely new is kept."""
    principal, prompt, controls = exchange.principal, exchange.prompt, exchange.controls
    if principal is None or prompt is None:
        return None
    conversation = conversation_of(prompt, controls.session)
    newest: list[int] = []
    for index in reversed(conversation.storable):
        if prompt.utterances[index].role == "assistant":
            break
        newest.insert(0, index)
    return Place(
        project=project_of(principal, controls),
        user=user_of(principal, controls),
        vault=None,
        session_name=SessionName(controls.session or new_id("ses")),
        session=None,
        anchor=AtHead(),
        new=tuple(newest),
        conversation=conversation,
    )
