from __future__ import annotations

import asyncio
import logging

import pytest

from recollect.errors import SettingsError
from recollect.server.app import GatewayApp
from recollect.server.reloading import Reloader
from tests.unit.server.fakes import FakeGateway, answer_ok, exchange, some_settings


class Opened:
    """Opens gateways one after the other."""

    def __init__(self) -> None:
        self.gateways: list[FakeGateway] = []
        self.before: list[FakeGateway | None] = []
        self.problem: str | None = None

    async def __call__(self, settings, before=None):
        if self.problem:
            raise SettingsError(self.problem)
        self.before.append(before)
        self.gateways.append(FakeGateway())
        return self.gateways[-1]


@pytest.fixture
def opened():
    return Opened()


@pytest.fixture
async def app(opened):
    app = GatewayApp(some_settings(), opened)
    await app.startup()
    yield app
    await app.shutdown()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_whom_the_old_gateway_serves_it_serves_to_the_end(app, opened):
    may_answer = asyncio.Event()

    async def slow(request, sink):
        await may_answer.wait()
        await answer_ok(request, sink)

    opened.gateways[0].pipeline.handler = slow
    begun = asyncio.create_task(exchange(app, "POST", "/v1/chat/completions", body=b"{}"))
    await settle()
    await app.adopt(some_settings(**{"cors.origins": ["https://app.example"]}))
    old, new = opened.gateways
    assert opened.before == [None, old]
    assert new.is_started
    reply = await exchange(app, "POST", "/v1/chat/completions", body=b"{}", headers={"Origin": "https://app.example"})
    assert reply.header("access-control-allow-origin") == "https://app.example"
    assert (len(old.pipeline.requests), len(new.pipeline.requests)) == (1, 1)
    await settle()
    assert not old.is_retired
    may_answer.set()
    assert (await begun).status == 200
    await settle()
    assert old.is_retired
    assert not old.is_closed


async def test_a_gateway_that_serves_nobody_retires_at_once(app, opened):
    await app.adopt(some_settings(mode="off"))
    await settle()
    assert opened.gateways[0].is_retired
    assert app.settings.mode == "off"


async def test_settings_that_no_gateway_can_be_built_from_change_nothing(app, opened):
    opened.problem = "extractor.model: there is no key."
    with pytest.raises(SettingsError):
        await app.adopt(some_settings(mode="off"))
    assert app.settings.mode == "full"
    assert app.gateway is opened.gateways[0]
    assert not opened.gateways[0].is_retired


async def test_only_what_changed_and_can_be_changed_is_taken(app, opened, caplog):
    caplog.set_level(logging.INFO, "recollect")
    wanted = some_settings(port=9999, mode="read", **{"store.path": "/elsewhere", "recall.max_tokens": 7})
    assert await Reloader(app, lambda: wanted).reload()
    assert (app.settings.mode, app.settings.recall.max_tokens) == ("read", 7)
    assert (app.settings.port, app.settings.store.path) == (8000, None)
    assert "changed: mode, recall.max_tokens" in caplog.text
    assert "need a restart: port, store.path" in caplog.text


async def test_nothing_changed(app, opened, caplog):
    caplog.set_level(logging.INFO, "recollect")
    assert await Reloader(app, some_settings).reload()
    assert len(opened.gateways) == 1
    assert "changed: nothing" in caplog.text


async def test_wrong_settings_are_told_and_not_taken(app, opened, caplog):
    problems = ("a.toml, line 1: `port` is wrong.", "a.toml, line 2: `hots` is not known here.")

    def wrong():
        raise SettingsError(*problems)

    assert not await Reloader(app, wrong).reload()
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 3
    assert "line 2: `hots`" in caplog.text
    assert "goes on by those it has" in caplog.text
    assert len(opened.gateways) == 1
    opened.problem = "no"
    assert not await Reloader(app, lambda: some_settings(mode="off")).reload()


async def test_two_reloads_at_once_follow_one_another(app, opened):
    wishes = iter([some_settings(mode="read"), some_settings(mode="off")])
    reloader = Reloader(app, lambda: next(wishes))
    assert await asyncio.gather(reloader.reload(), reloader.reload()) == [True, True]
    assert app.settings.mode == "off"
    assert opened.before == [None, *opened.gateways[:2]]
