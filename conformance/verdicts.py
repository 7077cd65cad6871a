"""What a suite said, test by test, and how a run through the gateway compares with the direct one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Verdicts = dict[str, str]
"""Test name → "passed", "failed" or "skipped"; a comparison of bytes has a fingerprint in their place."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``passed`` of the direct run's tests, ``same`` of them with the same verdict through the gateway."""

    total: int
    passed: int
    same: int
    different: tuple[str, ...]


def compare(direct: Mapping[str, str], through: Mapping[str, str]) -> Comparison:
    """Per test, not by totals: two tests that change sides do not cancel out."""
    names = sorted({*direct, *through})
    different = tuple(name for name in names if direct.get(name) != through.get(name))
    passed = sum(verdict == "passed" for verdict in through.values())
    return Comparison(len(names), passed, len(names) - len(different), different)


def read_junit(path: Path) -> Verdicts:
    """Read pytest's ``--junitxml``."""
    found: Verdicts = {}
    for case in ET.parse(path).iter("testcase"):  # noqa: S314 - our own run wrote it
        kinds = {child.tag for child in case}
        verdict = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        found[f"{case.get('classname')}::{case.get('name')}"] = verdict
    return found


def read_jest(path: Path) -> Verdicts:
    """Read jest's ``--json``."""
    names = {"pending": "skipped"}
    return {
        f"{suite['name'].rpartition('/tests/')[2]}::{test['fullName']}": names.get(test["status"], test["status"])
        for suite in json.loads(path.read_text())["testResults"]
        for test in suite["assertionResults"]
    }


def read_llmprobe(path: Path) -> Verdicts:
    """Read llmprobe's ``--save``: every check of the conformance part that must hold."""
    names = {"pass": "passed", "fail": "failed"}
    results = json.loads(path.read_text())["conformance"]["results"]
    return {result["id"]: names.get(result["outcome"], result["outcome"]) for result in results}


def read_open_responses(output: str) -> Verdicts:
    """The ``--json`` of the compliance tests, which stands alone or behind a line of their runner."""
    results = json.loads(output[output.index("{") :])["results"]
    return {result["id"]: result["status"] for result in results}
