"""From files to a model that can embed."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from recollect.embedders.minilm import centring
from recollect.embedders.minilm.model import MiniLM, token_states
from recollect.embedders.minilm.weights import HUB_URL, TOKENIZER, WEIGHTS, find_files, sha256_of
from recollect.errors import EmbedderUnavailableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

GRAPH_VERSION = 1
"""Raised whenever the graph or its quantisation changes, so that nobody runs an old one from the cache."""
LEFT_OUT = ("SkipLayerNormFusion",)
"""Optimisations that are none: the operator that joins addition and normalisation takes 40 microseconds for 19 tokens,
those two take 14 (onnxruntime 1.31), and the states are the same up to 1e-6."""


def load_minilm(
    cache_dir: Path,
    model_path: Path | None = None,
    *,
    is_quantised: bool = True,
    may_download: bool = True,
    hub_url: str = HUB_URL,
) -> MiniLM:
    """Load all-MiniLM-L6-v2; at the first start build it from the weights, which takes some seconds.

    Raises EmbedderUnavailableError that says what is missing and what to do. Blocks; not to be called on an
    event loop.
    """
    numbers = "int8" if is_quantised else "fp32"
    stem = f"all-MiniLM-L6-v2-{numbers}-v{GRAPH_VERSION}-{WEIGHTS.sha256[:12]}"
    graph, tokenizer_file = cache_dir / f"{stem}.onnx", cache_dir / f"tokenizer-{TOKENIZER.sha256[:12]}.json"
    try:
        if model_path is not None or not graph.is_file() or not _is_whole(tokenizer_file):
            cache_dir.mkdir(parents=True, exist_ok=True)
            files = find_files(cache_dir, model_path, may_download=may_download, hub_url=hub_url)
            _copy(files.tokenizer, tokenizer_file)
            if not graph.is_file():
                _build(files.weights, graph, is_quantised=is_quantised)
        session = _session(graph)
        tokenizer = _tokenizer(tokenizer_file)
        centre = _centre(cache_dir / f"{stem}-centre-{centring.VERSION}.npy", session, tokenizer)
    except OSError as error:
        message = f"The model's cache {cache_dir} cannot be used ({error}). Make it writable, or set another folder."
        raise EmbedderUnavailableError(message) from error
    return MiniLM(session, tokenizer, centre, model=f"all-MiniLM-L6-v2/{numbers}-{GRAPH_VERSION}/c{centring.VERSION}")


def _build(weights: Path, graph: Path, *, is_quantised: bool) -> None:
    from recollect.embedders.minilm.building import build_model  # noqa: PLC0415  see that module's docstring

    started = time.perf_counter()
    logger.info("building the embedding model in %s, once", graph.parent)
    build_model(weights, graph, is_quantised=is_quantised)
    logger.info("built %s in %.1f s", graph.name, time.perf_counter() - started)


def _session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"], disabled_optimizers=LEFT_OUT
        )
    except (RuntimeError, ValueError) as error:  # onnxruntime's errors derive from these two at most
        message = f"{graph} cannot be loaded ({error}). Remove it, and it is built anew."
        raise EmbedderUnavailableError(message) from error


def _tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _centre(path: Path, session: onnxruntime.InferenceSession, tokenizer: Tokenizer) -> NDArray[np.float32]:
    """The mean direction, computed once a graph and kept beside it."""
    if path.is_file():
        return np.asarray(np.load(path), np.float32)
    states = [token_states(session, [tokenizer.encode(text).ids])[0] for text in centring.SENTENCES]
    centre = centring.mean_direction(one[1:-1] for one in states)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npy")
    with os.fdopen(handle, "wb") as file:
        np.save(file, centre)
    Path(temporary).replace(path)
    return centre


def _copy(source: Path, target: Path) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    shutil.copyfile(source, temporary)
    Path(temporary).replace(target)


def _is_whole(tokenizer: Path) -> bool:
    return tokenizer.is_file() and sha256_of(tokenizer) == TOKENIZER.sha256
