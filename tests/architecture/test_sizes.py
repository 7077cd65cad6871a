"""Files and functions small enough to be read at one sitting. There are no exceptions, and there shall be none."""

from __future__ import annotations

import ast

from tests.architecture.tree import ROOT, Function, modules

MAX_FILE_LINES = 400
MAX_STATEMENTS = 30
MAX_PARAMETERS = 6
MAX_README_LINES = 150
MAX_DECISION_LINES = 60


def statements(function: Function) -> int:
    """The statements of a function, those of nested functions too, its docstring not."""
    inside = [node for node in ast.walk(function) if isinstance(node, ast.stmt) and node is not function]
    return len(inside) - (ast.get_docstring(function) is not None)


def parameters(function: Function) -> int:
    """All parameters but ``self`` and ``cls``."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([argument for argument in named if argument.arg not in {"self", "cls"}])


def test_files() -> None:
    sizes = {module.name: len(module.path.read_text("utf-8").splitlines()) for module in modules()}
    assert {name: size for name, size in sizes.items() if size > MAX_FILE_LINES} == {}


def test_functions() -> None:
    sizes = {f"{module}:{name}": statements(function) for module in modules() for name, function in module.functions()}
    assert {name: size for name, size in sizes.items() if size > MAX_STATEMENTS} == {}


def test_parameters() -> None:
    sizes = {f"{module}:{name}": parameters(function) for module in modules() for name, function in module.functions()}
    assert {name: size for name, size in sizes.items() if size > MAX_PARAMETERS} == {}


def test_what_the_counts_mean() -> None:
    lines = ["def f(self, a, *, b):", '    """Doc."""', "    if a:", "        return b"]
    lines += ["    def g():", "        return 1", "    return 2"]
    function = ast.parse("\n".join(lines)).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert statements(function) == 5
    assert parameters(function) == 2


def test_the_readme() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


def test_decisions_take_a_page() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert pages
    sizes = {page.name: len(page.read_text(encoding="utf-8").splitlines()) for page in pages}
    assert {name: size for name, size in sizes.items() if size > MAX_DECISION_LINES} == {}
