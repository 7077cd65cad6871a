"""Memory moves to huge pages as it is, and only memory that belongs to the process alone."""

from __future__ import annotations

import numpy as np

from recollect.server.huge_pages import HUGE_PAGE_BYTES, collapse_memory, huge_places

MAPS = """\
00400000-00800000 r-xp 00000000 fe:00 4711                       /usr/bin/python3
00a00000-01000000 rw-p 00000000 00:00 0                          [heap]
7f0000100000-7f0000900000 rw-p 00000000 00:00 0
7f0001000000-7f0001200000 rw-p 00000000 fe:00 4712               /usr/lib/a file.so
7f0002000000-7f0002400000 rw-s 00000000 00:01 4713               /dev/shm/shared
7f0003000000-7f0003100000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00400000 rw-p 00000000 00:00 0                  [stack]
"""


def test_whole_huge_pages_of_private_memory_are_found():
    found = list(huge_places(MAPS))
    heap = [0xA00000, 0xC00000, 0xE00000]
    assert found == [*heap, 0x7F0000200000, 0x7F0000400000, 0x7F0000600000]
    assert all(place % HUGE_PAGE_BYTES == 0 for place in found)


def test_what_is_in_memory_stays_as_it_is():
    numbers = np.arange(4 * HUGE_PAGE_BYTES, dtype=np.int64)
    assert collapse_memory() >= 0
    assert np.array_equal(numbers, np.arange(4 * HUGE_PAGE_BYTES, dtype=np.int64))
