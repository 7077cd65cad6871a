"""References in the values of a settings file: ``${NAME}``, ``${NAME:-default}`` and ``${file:PATH}``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recollect.settings.names import Name

LONGEST_FILE = 64 * 1024
_reference = re.compile(r"\$(\$\{)|\$\{(?:file:([^}]+)|([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?)\}|\$\{[^}]*\}?")


@dataclass(slots=True)
class References:
    """Puts in their place what references name, and keeps what is wrong with them, by the name of the setting.

    Paths are relative to ``folder``; of a file, the newline at its end is left out, as secrets are kept in files.
    """

    environ: Mapping[str, str]
    folder: Path
    problems: list[tuple[Name, str]] = field(default_factory=list)

    def resolved(self, value: object, name: Name) -> object:
        """The value with its references replaced, in whatever depth."""
        if isinstance(value, dict):
            return {key: self.resolved(inner, (*name, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolved(inner, (*name, place)) for place, inner in enumerate(value)]
        if not isinstance(value, str):
            return value
        return _reference.sub(lambda found: self._named(found, name), value)

    def _named(self, found: re.Match[str], name: Name) -> str:
        escaped, path, variable, default = found.groups()
        if escaped:
            return "${"
        if path:
            return self._read(path, name)
        if variable is None:
            return self._wrong(
                name,
                f"holds `{found[0]}`, which is no reference: write `${{NAME}}`, `${{NAME:-default}}` or "
                "`${file:PATH}`, and `$${` where the characters themselves are meant",
            )
        given = self.environ.get(variable) or default
        if given is None:
            return self._wrong(
                name,
                f"refers to ${{{variable}}}, which is not set in the environment. Set it, or give a default: "
                f"${{{variable}:-…}}",
            )
        return given

    def _read(self, path: str, name: Name) -> str:
        place = self.folder / path.strip()
        try:
            with place.expanduser().open(encoding="utf-8") as file:
                return file.read(LONGEST_FILE).removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            return self._wrong(name, f"refers to the file {place}, which cannot be read ({reason})")

    def _wrong(self, name: Name, clause: str) -> str:
        self.problems.append((name, clause))
        return ""
