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
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from conformance import report, suites, upstreams
from conformance.agents import Tasking, agents_verdicts
from conformance.browser import EXPECTATIONS, browser_verdicts, find_chromium
from conformance.recorded import RECORDED
from conformance.replay import Replay, replaying
from conformance.verdicts import compare
from conformance.wire import wire_verdicts
from recollect.testing.scripted_provider import ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.verdicts import Verdicts

MODES = {"memory off": "off", "memory on": "full"}
PLAIN = {"RECOLLECT_RETRIES_TRIES": "1", "RECOLLECT_COST_ASKS_FOR_USAGE": "never"}
"""For bytes: what trying again and asking a stream for its count change, they change on purpose."""
CHECKOUTS = ("open-responses", "openai-python", "openai-node", "langchain-openai", "pydantic-ai")
SUITES: dict[str, Callable[[suites.Tools, str], Verdicts]] = {
    "clients": suites.clients,
    "llmprobe": suites.llmprobe,
    "open-responses": suites.open_responses,
    "openai-python": suites.openai_python,
    "openai-node": suites.openai_node,
}
ALL = ("wire", "agents", "browser", *SUITES, *RECORDED)


@dataclass(frozen=True, slots=True)
class Stage:
    """One suite against one provider. ``given`` is the provider that the user named."""

    suite: str
    tools: suites.Tools
    given: str | None

    def measure(self) -> dict[str, object]:
        """One row of the table."""
        with self.upstream() as (url, provider):
            direct = self.run(url, url, provider, "")
            row: dict[str, object] = {
                "measured": datetime.now(UTC).date().isoformat(),
                "tests": len(direct),
                "passed directly": sum(verdict == "passed" for verdict in direct.values()),
            }
            asked = {"directly": _asked(provider)}
            for name, mode in MODES.items():
                with upstreams.gateway(url, mode, PLAIN if self.suite == "wire" else None) as base_url:
                    row[name] = asdict(compare(direct, self.run(base_url, url, provider, mode)))
                asked[name] = _asked(provider)
        return row | ({"requests": asked} if any(asked.values()) else {})

    @contextmanager
    def upstream(self) -> Iterator[tuple[str, ScriptedProvider | Replay | None]]:
        """The provider that fits: the specification, recordings, what the user named, or the scripted one."""
        if self.suite in {"openai-python", "openai-node"}:
            with upstreams.specification(self.tools, self.suite) as url:
                yield url, None
        elif self.suite in RECORDED:
            with replaying() as (url, replay):
                yield url, replay
        elif self.given and self.suite in {"llmprobe", "open-responses"}:
            yield self.given, None
        else:
            with upstreams.scripted(Tasking if self.suite == "agents" else ScriptedProvider) as (url, provider):
                yield url, provider

    def run(self, base_url: str, url: str, provider: ScriptedProvider | Replay | None, mode: str) -> Verdicts:
        """Against ``base_url``, behind which the provider at ``url`` stands."""
        if self.suite in RECORDED:
            prefix = url if base_url == url else f"{base_url.removesuffix('/v1')}/api/v1/forward/{url}"
            return RECORDED[self.suite](self.tools, prefix, url)
        if isinstance(provider, ScriptedProvider):
            if self.suite == "wire":
                return wire_verdicts(base_url, provider)
            if self.suite == "agents":
                return agents_verdicts(self.tools, base_url, provider, mode)
        return SUITES[self.suite](self.tools, base_url)


def _asked(provider: ScriptedProvider | Replay | None) -> dict[str, int]:
    """How the requests of a run compare with the recorded ones; nothing for other providers."""
    if not isinstance(provider, Replay):
        return {}
    counts = dict(provider.counts)
    provider.counts.clear()
    return counts


def measure_browser(tools: suites.Tools) -> dict[str, object]:
    """The row of the page: what it is compared with is what is expected."""
    expected = dict.fromkeys(EXPECTATIONS, "passed")
    row: dict[str, object] = {"measured": datetime.now(UTC).date().isoformat(), "tests": len(expected)}
    return row | {name: asdict(compare(expected, browser_verdicts(tools, mode))) for name, mode in MODES.items()}


def main() -> None:
    """Run what was asked for and can be run, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m conformance.run", description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"{', '.join(ALL)}; without any, all that can be run")
    parser.add_argument("--uv", default=shutil.which("uv") or ".venv/tools/bin/uv")
    parser.add_argument("--upstream", help="base URL of a provider for llmprobe and open-responses")
    for checkout in CHECKOUTS:
        parser.add_argument(f"--{checkout}", type=lambda value: Path(value).resolve(), help="path of a check-out")
    options = parser.parse_args()
    given = {name: getattr(options, name.replace("-", "_")) for name in CHECKOUTS}
    tools = suites.Tools(str(Path(options.uv).absolute()), {name: path for name, path in given.items() if path})
    has_differences = False
    for suite in options.suites or ALL:
        if suite in CHECKOUTS and suite not in tools.checkouts:
            print(f"{suite}: not run; clone its repository and add --{suite} PATH")
            continue
        if suite == "browser" and not find_chromium():
            print("browser: not run; install Chromium, or name it in CHROMIUM")
            continue
        row = measure_browser(tools) if suite == "browser" else Stage(suite, tools, options.upstream).measure()
        report.record(suite, row)
        print(suite, json.dumps(row, ensure_ascii=False), flush=True)
        has_differences |= any(row[mode]["different"] for mode in MODES)  # type: ignore[index]
    sys.exit(1 if has_differences else 0)


if __name__ == "__main__":
    main()
