"""Who may import whom, and what an import may do."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.architecture.tree import ROOT, SOURCE, modules, packages

OUTSIDE = {
    "domain": set(),
    "errors.py": set(),
    "wire": {"brotli", "orjson", "zstandard"},
    "exchange": {"orjson"},
    "worker": set(),
    "settings": {"pydantic", "pydantic_core", "ruamel", "tomli_w"},
    "server": {"orjson", "prometheus_client", "starlette", "uvicorn"},
    "cli": {"click", "matplotlib", "openai"},
}
"""What a package may import besides the standard library and ourselves; the ones that are not named here may choose."""

IMPORT_EVERYTHING = """
import importlib, json, logging, pathlib, sys

source, names = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
deeds = []

def watch(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen"}:
        deeds.append(f"{event} {arguments[-1]!r}")
    elif event == "open" and isinstance(arguments[0], str):
        path, mode = pathlib.Path(arguments[0]), arguments[1] or "r"
        is_code = path.suffix in {".py", ".pyc"} or "__pycache__" in path.parts
        if path.is_relative_to(source) and not is_code:
            deeds.append(f"read {path}")
        if any(letter in mode for letter in "wax+") and not is_code:
            deeds.append(f"wrote {path}")

sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
if logging.getLogger().handlers:
    deeds.append("configured logging")
print(json.dumps(deeds))
"""


def test_the_contracts_hold() -> None:
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    found = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_every_package_keeps_to_its_libraries() -> None:
    strangers = {
        (module.name, name.partition(".")[0])
        for module in modules()
        for name in module.imports()
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "recollect"}
    }
    assert {
        (module, name)
        for module, name in strangers
        for allowed in [OUTSIDE.get(module.partition("/")[0])]
        if allowed is not None and name not in allowed
    } == set()
    assert {place for place in OUTSIDE if not (SOURCE / place).exists()} == set()


def test_protocol_code_does_no_io() -> None:
    doers = {"asyncio", "os", "pathlib", "socket", "ssl", "subprocess", "threading", "urllib.request"}
    found = {(module.name, name) for module in modules() for name in doers & set(module.imports())}
    assert {one for one in found if one[0].startswith(("wire/", "domain/"))} == set()


def test_an_import_does_nothing() -> None:
    names = [
        "recollect." + module.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for module in modules()
        if module.name not in {"__init__.py", "__main__.py"}
    ]
    command = [sys.executable, "-c", IMPORT_EVERYTHING, str(SOURCE), json.dumps(names)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == []
    assert found.stderr == ""


def test_the_guard_of_imports_sees_what_it_should() -> None:
    script = IMPORT_EVERYTHING.replace(
        "for name in names:",
        "import socket, sqlite3; socket.socket().bind(('127.0.0.1', 0)); sqlite3.connect(':memory:').close()\n"
        "logging.basicConfig()\nfor name in names:",
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(SOURCE), "[]"], capture_output=True, text=True, check=True
    )
    deeds = [deed.split(" ")[0] for deed in json.loads(found.stdout)]
    assert deeds == ["socket.bind", "sqlite3.connect", "configured"]


def test_every_package_is_known() -> None:
    """A new package is a decision: it is named in the contracts, and here."""
    assert set(packages()) == {
        "accounting",
        "cli",
        "client",
        "compat",
        "domain",
        "embedders",
        "exchange",
        "extractors",
        "providers",
        "recall",
        "remembering",
        "server",
        "telemetry",
        "settings",
        "stores",
        "testing",
        "wire",
        "worker",
    }
