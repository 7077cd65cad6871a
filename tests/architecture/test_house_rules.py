"""Habits that a reviewer would otherwise have to repeat."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from tests.architecture.tree import ROOT, SOURCE, dotted, modules, packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.architecture.tree import Module

BROAD = {"Exception", "BaseException"}
MAY_CATCH_EVERYTHING = {
    "server/app.py": 1,  # the edge: a defect must not take the server down
    "worker/attempts.py": 1,  # the loop: a job that fails must not end the others
}
READS_THE_ENVIRONMENT = "settings/"
VAGUE = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
MOST_PROTOCOL_METHODS = 7
NETWORK = {"aiohttp", "ftplib", "http.client", "httpx", "requests", "smtplib", "socket", "ssl", "urllib.request"}
MAY_CONNECT = {
    "cli/checks.py",  # looks whether ports and providers answer
    "client/",  # the SDK's own transport
    "embedders/minilm/weights.py",  # obtains the model, where that is allowed
    "embedders/openai_compatible.py",
    "providers/allow_list.py",  # parses addresses
    "providers/http_",  # the upstream itself
    "server/banner.py",  # looks whether an Ollama answers
    "server/run.py",  # listens
    "testing/",
}


def broad_handlers(module: Module) -> Iterator[int]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and not passes_on(node):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(one is None or dotted(one) in BROAD for one in caught):
                yield node.lineno
        elif isinstance(node, ast.Call) and dotted(node.func) in {"suppress", "contextlib.suppress"}:
            yield from (node.lineno for one in node.args if dotted(one) in BROAD)


def passes_on(handler: ast.ExceptHandler) -> bool:
    """It tidies up, and raises what it caught again: nothing is swallowed."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_everything_is_caught_in_two_places_only() -> None:
    found = Counter(module.name for module in modules() for _ in broad_handlers(module))
    assert {name: count for name, count in found.items() if count > MAY_CATCH_EVERYTHING.get(name, 0)} == {}


def test_the_environment_is_read_by_the_settings_only() -> None:
    readers = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if dotted(node) in {"os.environ", "os.environb", "os.getenv"}
    }
    assert {name for name in readers if not name.startswith(READS_THE_ENVIRONMENT)} == set()
    imported = {module.name for module in modules() if {"os.environ", "os.getenv"} & set(module.imports())}
    assert imported == set()


def test_the_environment_is_read_when_asked_and_not_at_import() -> None:
    at_import = [
        f"{module}:{node.lineno}"
        for module in modules()
        for statement in module.tree.body
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for node in ast.walk(statement)
        if dotted(node) == "os.environ"
    ]
    assert at_import == []


def test_no_module_has_a_vague_name() -> None:
    names = {(part, module.name) for module in modules() for part in module.name.removesuffix(".py").split("/")}
    assert {name for part, name in names if set(part.split("_")) & VAGUE} == set()


def test_a_seam_promises_little() -> None:
    sizes = {
        f"{module}:{one.name}": sum(
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not is_property(node) for node in one.body
        )
        for module in modules()
        for one in module.classes()
        if any(dotted(base) in {"Protocol", "typing.Protocol"} for base in one.bases)
    }
    assert sizes, "no protocol was found"
    assert {name: size for name, size in sizes.items() if size > MOST_PROTOCOL_METHODS} == {}


def is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(dotted(one) == "property" for one in function.decorator_list)


def test_every_seam_has_its_promise() -> None:
    seams = {"stores", "embedders", "providers"}
    assert seams <= set(packages())
    assert all((SOURCE / seam / "base.py").is_file() for seam in seams)


def test_everything_public_says_what_it_is() -> None:
    """Methods of the conformance suites are tests: their names say it."""
    missing = [
        f"{module}:{name}"
        for module in modules()
        if "_suite" not in module.name
        for name, node in named_nodes(module)
        if not any(part.startswith("_") for part in name.split(".")) and ast.get_docstring(node) is None
    ]
    assert missing == []


def named_nodes(module: Module) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef]]:
    """The module, its functions and classes, and their methods; not what is inside a function."""
    yield "module", module.tree
    for node in module.tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not has_an_overload(node):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield node.name, node
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and not has_an_overload(inner):
                    yield f"{node.name}.{inner.name}", inner


def has_an_overload(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        dotted(one) in {"overload", "override", "typing.overload", "typing.override"} for one in function.decorator_list
    )


def test_nobody_calls_home() -> None:
    """Whatever can open a connection is in this list; every other module would be a surprise."""
    connecting = {module.name for module in modules() if NETWORK & set(module.imports())}
    assert {name for name in connecting if not name.startswith(tuple(MAY_CONNECT))} == set()


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    left = [module.name for module in modules() if marks.search(module.path.read_text("utf-8"))]
    assert left == []


def test_the_root_holds_what_a_newcomer_looks_for() -> None:
    expected = {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "SECURITY.md",
        "pyproject.toml",
        "uv.lock",
    }
    assert {name for name in expected if not (ROOT / name).is_file()} == set()
    assert (SOURCE / "py.typed").is_file()
