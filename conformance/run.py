"""Runs suites that this project did not write: directly against a provider, then through the gateway.

Memory is off in the one run through it, and on in the other, with something to recall. Each test must have the same
verdict as directly. Writes ``conformance/results.json`` and, from it, ``docs/reference/conformance.md``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from conformance import report, suites, upstreams
from conformance.browser import EXPECTATIONS, browser_verdicts, find_chromium
from conformance.verdicts import compare
from conformance.wire import wire_verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.verdicts import Verdicts
    from recollect.testing.scripted_provider import ScriptedProvider

MODES = {"memory off": "off", "memory on": "full"}
CHECKOUTS = ("open-responses", "openai-python", "openai-node")
SUITES: dict[str, Callable[[suites.Tools, str], Verdicts]] = {
    "clients": suites.clients,
    "llmprobe": suites.llmprobe,
    "open-responses": suites.open_responses,
    "openai-python": suites.openai_python,
    "openai-node": suites.openai_node,
}


@contextmanager
def upstream_of(suite: str, tools: suites.Tools, given: str | None) -> Iterator[tuple[str, ScriptedProvider | None]]:
    """The provider that fits a suite: the specification, what the user named, or the scripted one."""
    if suite in {"openai-python", "openai-node"}:
        with upstreams.specification(tools, suite) as url:
            yield url, None
    elif given and suite in {"llmprobe", "open-responses"}:
        yield given, None
    else:
        with upstreams.scripted() as (url, provider):
            yield url, provider


def measure(suite: str, tools: suites.Tools, given: str | None) -> dict[str, object]:
    """One row of the table."""
    with upstream_of(suite, tools, given) as (url, provider):

        def run(base_url: str) -> Verdicts:
            if suite == "wire" and provider is not None:
                return wire_verdicts(base_url, provider)
            return SUITES[suite](tools, base_url)

        direct = run(url)
        row: dict[str, object] = {
            "measured": datetime.now(UTC).date().isoformat(),
            "tests": len(direct),
            "passed directly": sum(verdict == "passed" for verdict in direct.values()),
        }
        for name, mode in MODES.items():
            with upstreams.gateway(url, mode) as base_url:
                row[name] = asdict(compare(direct, run(base_url)))
    return row


def measure_browser(tools: suites.Tools) -> dict[str, object]:
    """The row of the page: what it is compared with is what is expected."""
    expected = dict.fromkeys(EXPECTATIONS, "passed")
    row: dict[str, object] = {"measured": datetime.now(UTC).date().isoformat(), "tests": len(expected)}
    return row | {name: asdict(compare(expected, browser_verdicts(tools, mode))) for name, mode in MODES.items()}


def main() -> None:
    """Run what was asked for and can be run, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m conformance.run", description=__doc__)
    parser.add_argument(
        "suites", nargs="*", help=f"wire, browser, {', '.join(SUITES)}; without any, all that can be run"
    )
    parser.add_argument("--uv", default=shutil.which("uv") or ".venv/tools/bin/uv")
    parser.add_argument("--upstream", help="base URL of a provider for llmprobe and open-responses")
    for checkout in CHECKOUTS:
        parser.add_argument(f"--{checkout}", type=lambda value: Path(value).resolve(), help="path of a check-out")
    options = parser.parse_args()
    given = {name: getattr(options, name.replace("-", "_")) for name in CHECKOUTS}
    tools = suites.Tools(str(Path(options.uv).absolute()), {name: path for name, path in given.items() if path})
    results = json.loads(report.RESULTS.read_text()) if report.RESULTS.exists() else {}
    has_differences = False
    for suite in options.suites or ["wire", "browser", *SUITES]:
        if suite in CHECKOUTS and suite not in tools.checkouts:
            print(f"{suite}: not run; clone its repository and add --{suite} PATH")
            continue
        if suite == "browser" and not find_chromium():
            print("browser: not run; install Chromium, or name it in CHROMIUM")
            continue
        results[suite] = row = measure_browser(tools) if suite == "browser" else measure(suite, tools, options.upstream)
        report.RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        print(suite, json.dumps(row, ensure_ascii=False), flush=True)
        has_differences |= any(row[mode]["different"] for mode in MODES)  # type: ignore[index]
    report.write(results)
    sys.exit(1 if has_differences else 0)


if __name__ == "__main__":
    main()
