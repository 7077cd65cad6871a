"""The page of faults tells what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import fault_matrix
from tests.e2e.fault_matrix import FAULTS, PAGE, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def rigged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with fault_matrix.rig(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.mark.parametrize("is_streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", FAULTS)
def test_what_a_fault_becomes_stands_on_the_page(rigged: Rig, name: str, *, is_streamed: bool) -> None:
    assert fault_matrix.row(rigged, name, is_streamed=is_streamed) in PAGE.read_text("utf-8").splitlines()


def test_the_page_is_written_by_its_command() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][2:]
    assert fault_matrix.page(rows) == PAGE.read_text("utf-8")
    assert len(rows) == 2 * len(FAULTS)
