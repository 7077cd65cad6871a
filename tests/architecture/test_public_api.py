"""What is public is what ``__all__`` says."""

from __future__ import annotations

import ast
import importlib

import pytest

import recollect
from tests.architecture.tree import modules

WITH_ALL = {
    "recollect." + module.name.removesuffix("/__init__.py").replace("/", "."): module
    for module in modules()
    if module.name.endswith("/__init__.py")
    and any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in module.tree.body)
}


def test_the_public_names_are_sorted_and_there() -> None:
    assert list(recollect.__all__) == sorted(recollect.__all__)
    assert all(getattr(recollect, name) is not None for name in recollect.__all__)
    assert dir(recollect) == list(recollect.__all__)


@pytest.mark.parametrize("package", WITH_ALL)
def test_a_package_exports_what_it_imports(package: str) -> None:
    names = importlib.import_module(package).__all__
    imported = {
        alias.asname or alias.name
        for node in WITH_ALL[package].tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    defined = {node.name for node in WITH_ALL[package].tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    assert {name for name in defined if not name.startswith("_")} <= set(names) <= imported | defined


@pytest.mark.parametrize("package", WITH_ALL)
def test_the_names_of_a_package_are_sorted(package: str) -> None:
    names = list(importlib.import_module(package).__all__)
    assert names == sorted(names) or names == sorted(
        names, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
