"""The table of ``docs/reference/conformance.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "reference" / "conformance.md"
WITHOUT_DIRECT = {"wire", "browser"}
"""What these compare is not a number of tests that the provider passes."""
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
NAMES = {
    "wire": "Bytes of replies and requests (ours)",
    "clients": "Client libraries and commands",
    "agents": "Agents with a tool to call: Codex over HTTP and WebSocket, opencode",
    "browser": "A page in Chromium: streams with CORS, refused without (ours)",
    "llmprobe": "llmprobe, conformance part",
    "open-responses": "Open Responses, compliance tests",
    "openai-python": "openai-python, its API tests",
    "openai-node": "openai-node, its API tests",
    "langchain-openai": "langchain-openai, its tests with recordings",
    "pydantic-ai": "Pydantic AI, its tests of OpenAI's models, with recordings",
}


def record(suite: str, row: Mapping[str, object]) -> None:
    """Keep a row beside those of other runs, also of runs at the same time, and write the table."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[suite] = row
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write(results)


def write(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the results into the page, between its marks."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(results)}{END}{after}")


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """One line per suite that was run, in the order of ``NAMES``."""
    lines = ["| suite | tests | pass directly | as directly, memory off | as directly, memory on | measured |"]
    lines.append("|---|---|---|---|---|---|")
    for suite, name in NAMES.items():
        row = results.get(suite)
        if row is None:
            lines.append(f"| {name} | not run | | | | |")
            continue
        passed = "" if suite in WITHOUT_DIRECT else row["passed directly"]
        same = " | ".join(f"{row[mode]['same']} of {row[mode]['total']}" for mode in ("memory off", "memory on"))
        lines.append(f"| {name} | {row['tests']} | {passed} | {same} | {row['measured']} |")
    return "\n".join(lines) + "\n"
