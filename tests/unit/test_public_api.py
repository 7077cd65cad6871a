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
        recollect.nothing


def test_importing_the_package_imports_no_library() -> None:
    script = "import sys, recollect; print(','.join(m for m in ('openai', 'numpy', 'aiohttp', 'starlette') if m in sys.modules))"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.strip() == ""


def test_a_client_of_a_running_gateway_imports_no_server() -> None:
    script = "import sys; from recollect import Recollect; print(','.join(m for m in ('starlette', 'uvicorn', 'onnxruntime') if m in sys.modules))"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.strip() == ""
