"""Named queries: SQL stands in ``queries.sql``, not in strings of Python."""

from __future__ import annotations

from importlib.resources import files

_MARK = "-- name: "


class Queries:
    """The statements of ``queries.sql`` by name, without their comments."""

    def __init__(self) -> None:
        """Read the file."""
        text = (files(__package__) / "queries.sql").read_text(encoding="utf-8")
        self._statements = dict(map(_named, text.split(_MARK)[1:]))

    def __getitem__(self, name: str) -> str:
        """The statement of that name."""
        return self._statements[name]

    def names(self) -> set[str]:
        """Every name."""
        return set(self._statements)

    def with_rows(self, name: str, rows: int, columns: int) -> str:
        """The statement with ``{rows}`` as so many rows of positional parameters."""
        row = f"({', '.join('?' * columns)})"
        return self[name].replace("{rows}", ", ".join([row] * rows))

    def with_places(self, name: str, count: int) -> str:
        """The statement with ``{places}`` as parameters ``:p0``, ``:p1`` … (blobs cannot travel as JSON)."""
        return self[name].replace("{places}", ", ".join(f":p{index}" for index in range(count)))


def _named(block: str) -> tuple[str, str]:
    name, _, body = block.partition("\n")
    lines = [line for line in body.splitlines() if not line.startswith("--")]
    return name.strip(), "\n".join(lines).strip().removesuffix(";")
