"""The profile stands at the end of the system message, the same from a session's first request to its last."""

from __future__ import annotations

import orjson
import pytest

HOME = "home: Lisbon"


def chat(*turns, system="Be brief.", **more):
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": role, "content": text} for role, text in turns]
    return orjson.dumps({"model": "m", "messages": messages, **more})


def sent(gateway, place=-1):
    return orjson.loads(gateway.upstream.requests[place].body)


async def meet(gateway):
    """A vault of somebody of whom something is known."""
    await gateway.post(chat(("user", "I live in Lisbon"), system=None, session_id="first"))
    vault = await gateway.store.vaults.open_vault("default", "default", may_create=False)
    [message, _] = await gateway.store.messages.list_messages(vault.id, limit=10)
    gateway.person.lines, gateway.person.sources = (HOME,), (message.number,)
    return vault.id, message


async def test_it_ends_the_system_message_and_is_said_in_the_headers(gateway):
    await meet(gateway)
    sink = await gateway.post(chat(("user", "Hello"), session_id="second"))
    system, said = sent(gateway)["messages"]
    assert system["content"].startswith("Be brief.\n\n<memory-")
    assert HOME in system["content"]
    assert said == {"role": "user", "content": "Hello"}
    assert sink.headers["x-memory-status"] == "injected"
    assert int(sink.headers["x-memory-tokens"]) > 0


async def test_it_stays_as_it_was_when_the_session_began(gateway):
    await meet(gateway)
    await gateway.post(chat(("user", "Hello"), session_id="second"))
    gateway.person.lines = ("home: Porto",)
    await gateway.post(chat(("user", "Hello"), ("assistant", "ok"), ("user", "And now"), session_id="second"))
    first, second = gateway.upstream.requests[-2:]
    assert second.body.startswith(first.body[: first.body.index(b'{"role":"user"')])
    await gateway.post(chat(("user", "Hello again"), session_id="third"))
    assert "home: Porto" in sent(gateway)["messages"][0]["content"]


async def test_a_session_that_began_without_one_goes_on_without(gateway):
    await gateway.post(chat(("user", "I live in Lisbon"), session_id="first"))
    gateway.person.lines, gateway.person.sources = (HOME,), (1,)
    await gateway.post(chat(("user", "I live in Lisbon"), ("assistant", "ok"), ("user", "So"), session_id="first"))
    assert sent(gateway)["messages"][0]["content"] == "Be brief."


async def test_nothing_is_put_where_there_is_no_system_message(gateway):
    await meet(gateway)
    sink = await gateway.post(chat(("user", "Hello"), system=None, session_id="second"))
    assert [message["role"] for message in sent(gateway)["messages"]] == ["user"]
    assert sink.headers["x-memory-status"] == "empty"


async def test_it_goes_into_instructions(gateway):
    await meet(gateway)
    body = orjson.dumps({"model": "m", "instructions": "Be brief.", "input": "Hello", "session_id": "second"})
    await gateway.post(body, path="responses")
    assert sent(gateway)["instructions"].startswith("Be brief.\n\n<memory-")
    assert sent(gateway)["input"] == "Hello"


@pytest.mark.parametrize("mode", ["off", "write", "shadow"])
async def test_modes_that_do_not_inject_leave_it_out(gateway, mode):
    await meet(gateway)
    await gateway.post(chat(("user", "Hello"), session_id="second"), headers=((b"x-memory-mode", mode.encode()),))
    assert sent(gateway)["messages"][0]["content"] == "Be brief."


async def test_mode_read_writes_nothing_and_says_the_same_every_time(gateway):
    vault, _ = await meet(gateway)
    before = await gateway.store.vaults.summarise_vault(vault)
    for _ in range(2):
        await gateway.post(chat(("user", "Hello")), headers=((b"x-memory-mode", b"read"),))
    first, second = gateway.upstream.requests[-2:]
    assert HOME.encode() in first.body
    assert first.body == second.body
    assert await gateway.store.vaults.summarise_vault(vault) == before


async def test_it_goes_with_the_message_that_it_is_taken_from(gateway):
    vault, message = await meet(gateway)
    await gateway.post(chat(("user", "Hello"), session_id="second"))
    await gateway.store.messages.delete_message(vault, message.id)
    await gateway.post(chat(("user", "Hello"), ("assistant", "ok"), ("user", "And"), session_id="second"))
    assert sent(gateway)["messages"][0]["content"] == "Be brief."
