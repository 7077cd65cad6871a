"""The import contracts of pyproject.toml say what they should; test_imports.py shows that they hold."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.architecture.tree import ROOT, SOURCE, TESTS

BACKENDS = {"sqlite", "in_memory", "postgres", "qdrant", "minilm", "openai_compatible", "http_upstream", "llm", "rules"}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_no_contract_makes_an_exception_for_an_import() -> None:
    assert contracts()
    assert not [contract["name"] for contract in contracts() if contract.get("ignore_imports")]


def test_every_backend_is_named_in_the_composition_root_only() -> None:
    (protected,) = (contract for contract in contracts() if contract["type"] == "protected")
    present = {
        f"recollect.{seam}.{path.stem}"
        for seam in ("stores", "embedders", "extractors", "providers")
        for path in (SOURCE / seam).iterdir()
        if path.stem in BACKENDS and (path.is_file() or any(path.glob("*.py")))
    }
    assert present == set(protected["protected_modules"])
    assert protected["allowed_importers"] == ["recollect.bootstrap", "recollect.ground"]


@pytest.mark.parametrize(
    ("seam", "suite"), [("embedders", "test_embedders"), ("providers", "test_upstreams"), ("stores", "test_stores")]
)
def test_each_seam_has_its_conformance_suite(seam: str, suite: str) -> None:
    assert (SOURCE / seam / "base.py").is_file()
    assert (TESTS / "conformance" / f"{suite}.py").is_file()
