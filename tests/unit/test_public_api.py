"""What ``import recollect`` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import recollect


def test_all_is_sorted_and_everything_in_it_can_be_had() -> None:
    assert sorted(recollect.__all__) == recollect.__all__
    assert all(getattr(recollect, name) is not None for name in recollect.__all__)
    assert dir(recollect) == recollect.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        getattr(recollect, "nothing")  # noqa: B009 - a name that a type checker would refuse


@pytest.mark.parametrize(
    ("statement", "libraries"),
    [
        ("import recollect", ("openai", "numpy", "aiohttp", "starlette")),
        ("from recollect import Recollect", ("starlette", "uvicorn", "onnxruntime")),
    ],
)
def test_an_import_imports_no_more_than_it_needs(statement: str, libraries: tuple[str, ...]) -> None:
    script = f"import sys; {statement}; print(*[name for name in {libraries} if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.strip() == ""
