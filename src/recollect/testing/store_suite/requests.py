"""The log of requests, and what was said in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from recollect.domain.ids import KeyId, ProjectId, TraceId
from recollect.domain.requests import Attempt, RequestBodies, RequestFilter, RequestRecord
from recollect.domain.usage import Cost, Usage
from recollect.testing.store_suite.samples import PROJECT, START, Writer, said

if TYPE_CHECKING:
    from recollect.stores.base import Store

FULL = RequestRecord(
    TraceId("req_full"),
    START,
    130.25,
    "POST",
    "chat/completions",
    status=200,
    project=PROJECT,
    key_id=KeyId("key_1"),
    user="alice",
    session="ses_é",
    agent_id="a",
    dialect="chat/completions",
    provider="openai",
    model="m",
    is_streamed=True,
    stage_ms={"authenticate": 0.5, "forward": 120.0},
    stage_at_ms={"authenticate": 0.0, "forward": 1.0},
    mode="full",
    memory="injected",
    memories=("msg_1", "mem_2"),
    memory_tokens=40,
    cache="miss",
    finish_reason="stop",
    cost=Cost("openai", "m", Usage(100, 7, cached_tokens=64, is_estimated=True), 2_500_000),
    attempts=(Attempt("groq", "429", 3.5), Attempt("openai", "200", 80.0)),
)
LEFT = RequestRecord(TraceId("req_left"), START, 1.0, "GET", "models", error="client_left", project=PROJECT)


def _at(number: int, **fields: object) -> RequestRecord:
    return LEFT._replace(id=TraceId(f"req_{number}"), started_at=START + timedelta(seconds=number), **fields)  # type: ignore[arg-type]


def _bodies(user: str = "alice", name: str = "req_full", at: datetime = START) -> RequestBodies:
    headers = (("content-type", "application/json"),)
    return RequestBodies(
        TraceId(name), PROJECT, user, at, "chat/completions", "a=b", headers, b'{"q": "\xc3\xa9"}', b"\0reply"
    )


class RequestTests:
    """What was asked of whom, and what it took."""

    async def test_a_request_comes_back_as_it_was(self, store: Store) -> None:
        await store.requests.put_requests([FULL, LEFT])
        assert await store.requests.find_request(PROJECT, FULL.id) == FULL
        assert await store.requests.find_request(PROJECT, LEFT.id) == LEFT
        assert await store.requests.find_request(ProjectId("other"), FULL.id) is None
        assert await store.requests.find_request(PROJECT, TraceId("req_none")) is None

    async def test_one_with_a_name_that_no_encoding_carries_harms_no_other(self, store: Store) -> None:
        odd = FULL._replace(id=TraceId("req_odd"), cost=Cost("openai", "m\ud800", Usage(1, 2), None))
        await store.requests.put_requests([odd, FULL])
        assert await store.requests.find_request(PROJECT, FULL.id) == FULL
        found = await store.requests.find_request(PROJECT, odd.id)
        assert found is not None
        assert found.cost is not None
        assert found.cost.usage == Usage(1, 2)

    async def test_many_come_back_each_as_it_was(self, store: Store) -> None:
        records = [_at(number, status=number) for number in range(346)]
        await store.requests.put_requests(records)
        await store.requests.put_requests([records[7]._replace(status=599)])
        found = await store.requests.list_requests(PROJECT, RequestFilter(limit=400))
        records[7] = records[7]._replace(status=599)
        assert found == records[::-1]

    async def test_who_was_not_let_in_is_in_nobody_s_log(self, store: Store) -> None:
        await store.requests.put_requests([LEFT._replace(project=None)])
        assert await store.requests.list_requests(PROJECT, RequestFilter()) == []

    async def test_the_newest_come_first_page_by_page(self, store: Store) -> None:
        records = [_at(number) for number in range(5)]
        twin = records[2]._replace(id=TraceId("req_2b"))
        await store.requests.put_requests([*records, twin, records[0]._replace(project=ProjectId("other"))])
        first = await store.requests.list_requests(PROJECT, RequestFilter(limit=3))
        assert [one.id for one in first] == ["req_4", "req_3", "req_2b"]
        second = await store.requests.list_requests(PROJECT, RequestFilter(limit=9, after=first[-1].id))
        assert [one.id for one in second] == ["req_2", "req_1", "req_0"]
        assert await store.requests.list_requests(PROJECT, RequestFilter(after=TraceId("req_none"))) == []

    async def test_requests_are_found_by_what_they_are(self, store: Store) -> None:
        await store.requests.put_requests(
            [
                _at(1, user="alice", model="m", status=200),
                _at(2, user="bob", model="m", status=429),
                _at(3, user="alice", model="n", status=503),
            ]
        )

        async def found(**wanted: object) -> list[str]:
            records = await store.requests.list_requests(PROJECT, RequestFilter(**wanted))  # type: ignore[arg-type]
            return [one.id for one in records]

        assert await found(user="alice") == ["req_3", "req_1"]
        assert await found(model="m") == ["req_2", "req_1"]
        assert await found(user="alice", model="m") == ["req_1"]
        assert await found(statuses=(400, 499)) == ["req_2"]
        assert await found(statuses=(200, 200)) == ["req_1"]
        assert await found(since=START + timedelta(seconds=2)) == ["req_3", "req_2"]
        assert await found(until=START + timedelta(seconds=2)) == ["req_1"]
        assert await found(user="alice", after=TraceId("req_3")) == ["req_1"]

    async def test_old_requests_are_pruned_in_every_project(self, store: Store) -> None:
        records = [_at(number) for number in range(3)]
        other = [one._replace(project=ProjectId("other")) for one in records]
        await store.requests.put_requests([*records, *other])
        assert await store.requests.prune_requests(START + timedelta(seconds=2), START) == 4
        assert await store.requests.list_requests(PROJECT, RequestFilter()) == [records[2]]
        assert await store.requests.list_requests(ProjectId("other"), RequestFilter()) == [other[2]]

    async def test_bodies_come_back_byte_for_byte(self, store: Store) -> None:
        await Writer(store).vault()
        await store.requests.put_requests([FULL], [_bodies()])
        assert await store.requests.find_bodies(PROJECT, FULL.id) == _bodies()
        assert await store.requests.find_bodies(ProjectId("other"), FULL.id) is None
        assert await store.requests.find_bodies(PROJECT, LEFT.id) is None

    async def test_bodies_are_pruned_by_their_own_age(self, store: Store) -> None:
        await Writer(store).vault()
        old, new = _bodies(), _bodies(name="req_new", at=START + timedelta(seconds=5))
        await store.requests.put_requests([FULL], [old, new])
        await store.requests.prune_requests(START, START + timedelta(seconds=1))
        assert await store.requests.find_bodies(PROJECT, old.id) is None
        assert await store.requests.find_bodies(PROJECT, new.id) == new
        assert await store.requests.find_request(PROJECT, FULL.id) == FULL

    async def test_erasing_a_vault_erases_its_user_s_requests(self, store: Store) -> None:
        writer, other = Writer(store), Writer(store, user="bob")
        vault, _ = await writer.vault(), await other.vault()
        of_bob = FULL._replace(id=TraceId("req_bob"), user="bob")
        await store.requests.put_requests([FULL, LEFT, of_bob], [_bodies(), _bodies("bob", "req_bob")])
        await store.vaults.erase_vault(vault, START)
        assert {one.id for one in await store.requests.list_requests(PROJECT, RequestFilter())} == {LEFT.id, of_bob.id}
        assert await store.requests.find_bodies(PROJECT, FULL.id) is None
        assert await store.requests.find_bodies(PROJECT, of_bob.id) is not None

    async def test_what_comes_after_an_erasure_is_not_kept(self, store: Store) -> None:
        writer = Writer(store)
        vault = await writer.vault()
        await store.vaults.erase_vault(vault, START)
        stored, read = FULL._replace(stored="yes"), FULL._replace(id=TraceId("req_read"), vault=vault)
        off = FULL._replace(id=TraceId("req_off"), mode="off")
        await store.requests.put_requests([stored, read, off], [_bodies()])
        assert [one.id for one in await store.requests.list_requests(PROJECT, RequestFilter())] == [off.id]
        assert await store.requests.find_bodies(PROJECT, FULL.id) is None

    async def test_deleting_a_message_forgets_what_its_vault_s_requests_said(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.write(said("user", "hi"))
        await store.requests.put_requests([FULL], [_bodies()])
        await store.messages.delete_message(await writer.vault(), receipt.ids[0])
        assert await store.requests.find_bodies(PROJECT, FULL.id) is None
        assert await store.requests.find_request(PROJECT, FULL.id) == FULL
