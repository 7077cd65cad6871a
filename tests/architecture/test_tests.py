"""Rules for the tests themselves."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from tests.architecture.tree import SOURCE, TESTS, Function, dotted, modules, packages

if TYPE_CHECKING:
    from tests.architecture.tree import Module

EVASIONS = {"skip", "skipif", "xfail", "importorskip"}
CHECKING = {"raises", "warns", "fail", "check_call"}
MOST_LINES = 600
TESTED_BY_ITS_USE = {"testing"}  # the suites run against every backend, the scripted provider in most tests
RUNNING_IS_THE_CHECK = {
    "tests/unit/stores/test_sqlite_file.py:test_every_query_compiles",  # SQLite raises for a statement that does not
}


def test_nothing_is_skipped_and_nothing_may_fail() -> None:
    found = {
        f"{module}:{node.lineno}"
        for module in modules(TESTS)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in EVASIONS and dotted(node).startswith("pytest.")
    }
    assert found == set()


def test_there_are_fakes_and_no_mocks() -> None:
    found = {
        module.name
        for folder in (SOURCE, TESTS)
        for module in modules(folder)
        if any(name.startswith(("unittest", "mock", "pytest_mock")) for name in module.imports())
    }
    assert found == set()


def test_every_package_has_its_unit_tests() -> None:
    with_tests = {path.parent.relative_to(TESTS / "unit").parts[0] for path in (TESTS / "unit").glob("*/**/test_*.py")}
    with_code = {
        name for name in packages() if any(path.name != "__init__.py" for path in (SOURCE / name).rglob("*.py"))
    }
    assert with_code - with_tests == TESTED_BY_ITS_USE


def test_every_folder_of_unit_tests_mirrors_a_package() -> None:
    folders = {path.name for path in (TESTS / "unit").iterdir() if path.is_dir() and any(path.glob("**/*.py"))}
    assert folders <= set(packages()) | {"worker"}


def test_test_files_are_short() -> None:
    long = {module.name for module in modules(TESTS) if len(module.path.read_text("utf-8").splitlines()) > MOST_LINES}
    assert long == set()


def test_every_test_can_fail() -> None:
    """A test asserts, expects an error, or calls something of ours that does."""
    checking = _functions_that_assert(modules(TESTS) + modules(SOURCE / "testing"))
    idle = {
        f"{module}:{name}"
        for module in (*modules(TESTS), *modules(SOURCE / "testing"))
        if Path(module.name).name.startswith("test_") or "_suite" in module.name
        for name, function in module.functions()
        if function.name.startswith("test_") and not _checks(function, checking)
    }
    assert idle == RUNNING_IS_THE_CHECK


def _functions_that_assert(among: tuple[Module, ...]) -> frozenset[str]:
    """The names of functions that assert themselves or through one of their own."""
    every = [function for module in among for _, function in module.functions()]
    known: frozenset[str] = frozenset()
    while True:
        found = frozenset(function.name for function in every if _checks(function, known))
        if found == known:
            return known
        known = found


def _checks(function: Function, checking: frozenset[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, (ast.Assert, ast.Raise)):
            return True
        if isinstance(node, ast.Call):
            name = dotted(node.func).rpartition(".")[2] or (
                node.func.attr if isinstance(node.func, ast.Attribute) else ""
            )
            if name in CHECKING or name.startswith("assert_") or (name in checking and not name.startswith("test_")):
                return True
            if name == "run" and any(word.arg == "check" for word in node.keywords):
                return True
    return False
