"""One thread per query: NumPy's linear algebra is kept from spreading small products over all processors."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def on_one_thread() -> AbstractContextManager[object]:
    """Within it, BLAS uses the calling thread alone; costs microseconds.

    The products of a query are too small to gain from more threads, and on a busy machine their threads wait for
    one another: MaxSim over 36,000 tokens took a median of 462 ms on two loaded cores, and 32 ms on one thread.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
