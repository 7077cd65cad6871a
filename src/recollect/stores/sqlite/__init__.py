"""The SQLite store: one file, one writer, any number of readers."""

from recollect.stores.sqlite.store import open_sqlite_store

__all__ = ["open_sqlite_store"]
