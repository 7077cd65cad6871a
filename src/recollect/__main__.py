"""`python -m recollect`."""

from __future__ import annotations

from recollect.cli.main import main

if __name__ == "__main__":
    main()
