"""The in-memory store: the same promises as a database's, without one."""

from recollect.stores.in_memory.store import in_memory_store

__all__ = ["in_memory_store"]
