"""The composition root builds what the settings ask for."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import orjson
import pytest

from recollect.bootstrap import open_services
from recollect.domain.calls import IngestCall
from recollect.domain.ids import ProjectId, SessionName
from recollect.domain.keys import KeyKind, MemoryMode, Principal
from recollect.domain.messages import NewMessage
from recollect.errors import SettingsError
from recollect.settings import load_settings
from recollect.settings.schema import ProjectSettings
from recollect.testing.scripted_provider import Script, ScriptedProvider

NOTES = orjson.dumps(
    {
        "facts": [
            {
                "subject": "user",
                "attribute": "event",
                "value": "The user saw a heron.",
                "message": 1,
                "quote": "a heron at the lake",
                "category": "birds",
            }
        ]
    }
).decode()


def settings_with(tmp_path, **extractor):
    return load_settings(
        {
            "data_dir": tmp_path,
            "embedder": {"kind": "none"},
            "extractor": extractor,
            "providers": {"p": {"base_url": "http://127.0.0.1:9/v1", "needs_key": True}},
        },
        environ={},
    )


async def test_the_extractor_of_the_settings_reads_sessions(tmp_path):
    async with ScriptedProvider(Script(text=NOTES)) as provider:
        settings = settings_with(
            tmp_path,
            model="small",
            base_url=provider.base_url,
            api_key="sk-1",
            daily_tokens=10_000,
            instructions="Birds first.",
            categories=["birds"],
        )
        async with open_services(settings) as gateway:
            project = ProjectId("default")
            message = NewMessage("user", "We saw a heron at the lake.", datetime(2026, 5, 12, tzinfo=UTC))
            call = IngestCall(user="ann", messages=(message,), session_id=SessionName("s"))
            await gateway.calls.ingest(Principal(project, KeyKind.ADMIN, MemoryMode.FULL, None), call)
            vault = await gateway.store.vaults.open_vault(project, "ann", may_create=False)
            await gateway.store.knowledge.request(vault.id)
            await gateway.extraction.run_until_idle()
            (memory,) = (await gateway.knowledge.of(vault.id)).timeline.believed()
        request = provider.requests[0]
    assert (memory.value, memory.category) == ("The user saw a heron.", "birds")
    assert request.header("authorization") == "Bearer sk-1"
    assert "Birds first." in request.json()["messages"][0]["content"]
    assert len(list((tmp_path / "extractor").iterdir())) == 1


async def test_a_project_may_ask_for_something_else(tmp_path):
    async with ScriptedProvider(Script(text=NOTES)) as provider:
        settings = settings_with(
            tmp_path, model="small", base_url=provider.base_url, api_key="sk-1", categories=["birds"]
        )
        settings = settings.model_copy(update={"projects": {"zoo": ProjectSettings(instructions="Apes first.")}})
        async with open_services(settings) as gateway:
            message = NewMessage("user", "We saw a heron at the lake.", datetime(2026, 5, 12, tzinfo=UTC))
            for project in ("default", "zoo"):
                principal = Principal(ProjectId(project), KeyKind.ADMIN, MemoryMode.FULL, None)
                await gateway.calls.ingest(principal, IngestCall("ann", (message,), SessionName("s")))
                vault = await gateway.store.vaults.open_vault(ProjectId(project), "ann", may_create=False)
                await gateway.store.knowledge.request(vault.id)
            await gateway.extraction.run_until_idle()
            assert gateway.extraction.names(ProjectId("zoo")) == ("rules", "llm:zoo")
            record = await gateway.store.knowledge.knowledge(vault.id)
        asked = [request.json()["messages"][0]["content"] for request in provider.requests]
    assert {one.extractor for one in record.windows} == {"rules", "llm:zoo"}
    assert sorted("Apes first." in text for text in asked) == [False, True]
    assert all("birds" in text for text in asked)


async def test_an_extractor_without_a_key_is_a_wrong_setting(tmp_path):
    with pytest.raises(SettingsError, match=r"extractor\.model"):
        async with open_services(settings_with(tmp_path, model="p/small")):
            pass


async def test_traces_without_their_library_are_a_wrong_setting(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "recollect.telemetry.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    settings = load_settings({"data_dir": tmp_path}, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318/"})
    assert settings.otel.endpoint == "http://127.0.0.1:4318"
    with pytest.raises(SettingsError, match=r"otel\.endpoint.*recollect\[otel\]"):
        async with open_services(settings):
            pass


async def test_a_data_folder_that_is_none_is_a_wrong_setting(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"data_dir: .*data cannot be used .*`--data`"):
        async with open_services(settings_with(tmp_path / "file" / "data")):
            pass
