from __future__ import annotations

import re
import time

from recollect.domain.ids import RequestIds


def test_a_later_request_s_id_sorts_behind_an_earlier_one_s():
    ids = RequestIds()
    first = ids.next()
    time.sleep(0.002)
    second = ids.next()
    assert first < second
    assert re.fullmatch(r"req_[0-9a-f]{24}", first)


def test_ids_of_one_moment_differ():
    ids = RequestIds()
    assert len({ids.next() for _ in range(1000)}) == 1000
