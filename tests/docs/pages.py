"""The documents: their text, links and code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
_block = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_fenced = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_link = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_heading = re.compile(r"^#+ +(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language and its code."""

    page: str
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.language}"


def pages() -> list[Path]:
    """Every Markdown file that belongs to the project."""
    return sorted(
        [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("benchmarks/**/*.md"), *ROOT.glob("examples/*.md")]
    )


def name_of(page: Path) -> str:
    """From the root of the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page that name their language."""
    text = page.read_text("utf-8")
    return [
        Block(name_of(page), text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in _block.finditer(text)
    ]


def links(page: Path) -> list[str]:
    """Where a page's links lead, those in code blocks left out."""
    return _link.findall(_fenced.sub("", page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = _heading.findall(_fenced.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def reference(name: str) -> str:
    """The text of a reference page."""
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def missing(page: str, names: list[str]) -> list[str]:
    """Those names that a reference page does not show in code spans."""
    text = reference(page)
    assert names
    return [name for name in names if re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`", text) is None]
