"""The source tree as the house rules see it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "recollect"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file, parsed."""

    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its place below the source folder, as ``stores/sqlite/writer.py``; for tests, below the root."""
        base = SOURCE if self.path.is_relative_to(SOURCE) else ROOT
        return self.path.relative_to(base).as_posix()

    def __str__(self) -> str:
        return self.name

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Every function and method with its dotted name, nested ones too."""
        yield from _functions(self.tree, "")

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def imports(self) -> Iterator[str]:
        """The dotted name of everything that is imported, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child
        inner = f"{prefix}{child.name}." if isinstance(child, (*Function.__args__, ast.ClassDef)) else prefix
        yield from _functions(child, inner)


@cache
def modules(folder: Path = SOURCE) -> tuple[Module, ...]:
    """Every Python file below a folder."""
    return tuple(Module(path, ast.parse(path.read_text("utf-8"))) for path in sorted(folder.rglob("*.py")))


def packages() -> list[str]:
    """The folders directly below the source folder."""
    return sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a chain of attributes, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""
