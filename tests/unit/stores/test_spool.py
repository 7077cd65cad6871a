"""The spool keeps captures safe, in order, once."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.capture import After, AtHead, Capture, CaptureReceipt, Injection
from recollect.domain.ids import Lineage, MessageId, MessageNumber, ProjectId, SessionName, SessionNumber, TraceId
from recollect.domain.messages import NewMessage
from recollect.errors import StoreUnavailableError, UnprocessableError
from recollect.stores.capture_json import decode_capture, encode_capture
from recollect.stores.in_memory import in_memory_store
from recollect.stores.spool import Spool
from recollect.testing.store_suite import Writer, said
from recollect.testing.store_suite.samples import PROJECT, START

if TYPE_CHECKING:
    from pathlib import Path


def _capture(text: str, user: str = "alice", second: int = 0) -> Capture:
    return Capture(PROJECT, user, SessionName("s"), AtHead(), (said("user", text),), START + timedelta(seconds=second))


class _MoodyStore:
    """Takes captures until it meets a text that it fails at."""

    def __init__(self, error: Exception, at: str) -> None:
        self.inner = in_memory_store()
        self.error: Exception | None = error
        self.at = at

    async def capture(self, capture: Capture) -> CaptureReceipt:
        if self.error is not None and capture.messages[0].text == self.at:
            raise self.error
        return await self.inner.messages.capture(capture)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner.messages, name)


async def test_what_is_spooled_is_stored_later_in_order(tmp_path: Path) -> None:
    spool, store = Spool(tmp_path / "spool"), in_memory_store()
    for number in range(5):
        await spool.append(_capture(f"m{number}", second=number))
    assert spool.pending() == 5
    assert await spool.drain(store.messages) == 5
    assert (spool.pending(), await spool.drain(store.messages)) == (0, 0)
    writer = Writer(store)
    assert await writer.texts(SessionNumber(1)) == [f"m{number}" for number in range(5)]


async def test_an_empty_spool_touches_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert spool.pending() == 0
    assert not (tmp_path / "spool").exists()


def _glob(directory: Path, pattern: str) -> list[Path]:
    return sorted(directory.glob(pattern))


async def test_files_are_private(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    await spool.append(_capture("hi"))
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "spool").iterdir()}
    assert modes == {0o600}


async def test_a_store_that_is_away_keeps_everything_waiting(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(3):
        await spool.append(_capture(f"m{number}", second=number))
    store = _MoodyStore(StoreUnavailableError("locked"), at="m1")
    with pytest.raises(StoreUnavailableError):
        await spool.drain(store)  # type: ignore[arg-type]
    assert spool.pending() == 3
    store.error = None
    later = Spool(tmp_path)
    await later.append(_capture("m3", second=3))
    assert await later.drain(store) == 4  # type: ignore[arg-type]
    writer = Writer(store.inner)
    assert await writer.texts(SessionNumber(1)) == ["m0", "m1", "m2", "m3"]


async def test_a_capture_that_never_fits_is_set_aside_not_lost(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(3):
        await spool.append(_capture(f"m{number}", second=number))
    store = _MoodyStore(UnprocessableError("too large"), at="m1")
    assert await spool.drain(store) == 2  # type: ignore[arg-type]
    assert (spool.pending(), spool.rejected) == (0, 1)
    (rejected,) = _glob(tmp_path, "*.rejected")
    assert decode_capture(rejected.read_bytes().strip()) == _capture("m1", second=1)


async def test_what_was_refused_is_tried_again_by_the_next_process_and_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.append(_capture("m0"))
    store = _MoodyStore(UnprocessableError("no"), at="m0")
    assert await spool.drain(store) == 0  # type: ignore[arg-type]
    store.error = None
    assert await spool.drain(store) == 0  # type: ignore[arg-type]
    store.error = UnprocessableError("no")
    assert await Spool(tmp_path).drain(store) == 0  # type: ignore[arg-type]
    assert len(_glob(tmp_path, "*.rejected")) == 1
    store.error = None
    last = Spool(tmp_path)
    assert last.pending() == 1
    assert await last.drain(store) == 1  # type: ignore[arg-type]
    assert last.pending() == 0
    assert _glob(tmp_path, "*.rejected") == []


async def test_a_torn_last_line_is_left_out_and_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.append(_capture("whole"))
    (file,) = _glob(tmp_path, "*.jsonl")
    file.write_bytes(file.read_bytes() + encode_capture(_capture("torn"))[:-20])
    later, store = Spool(tmp_path), in_memory_store()
    assert later.pending() == 1
    assert await later.drain(store.messages) == 1
    assert later.torn == 1


async def test_a_line_that_is_no_capture_is_set_aside(tmp_path: Path) -> None:
    spool, store = Spool(tmp_path), in_memory_store()
    (tmp_path / "0.jsonl").write_bytes(b'{"version": 1}\n[]\nnot json\n{"version": 7}\n')
    await spool.append(_capture("hi"))
    assert await spool.drain(store.messages) == 1
    assert spool.rejected == 4


async def test_what_is_spooled_while_draining_is_not_lost(tmp_path: Path) -> None:
    spools, store = [Spool(tmp_path), Spool(tmp_path)], in_memory_store()

    async def append_all(spool: Spool, offset: int) -> None:
        for number in range(offset, offset + 30):
            await spool.append(_capture(f"m{number}", user=f"u{number}"))

    async def drain_often() -> int:
        total = 0
        for _ in range(40):
            total += await spools[0].drain(store.messages)
            await asyncio.sleep(0)
        return total

    drained, *_ = await asyncio.gather(drain_often(), append_all(spools[0], 0), append_all(spools[1], 30))
    drained += await spools[1].drain(store.messages)
    assert drained == 60
    assert len(await store.vaults.list_vaults(PROJECT, limit=99)) == 60


async def test_a_user_is_erased_from_the_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for user in ("alice", "bob", "alice"):
        await spool.append(_capture(f"secret of {user}", user=user))
    assert await spool.erase_user(PROJECT, "alice") == 2
    assert spool.pending() == 1
    assert b"secret of alice" not in b"".join(file.read_bytes() for file in _glob(tmp_path, "*"))
    await spool.append(_capture("alice again", user="alice"))
    store = in_memory_store()
    assert await spool.drain(store.messages) == 2


async def test_a_disk_that_takes_nothing_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the directory should be")
    with pytest.raises(OSError, match="spool"):
        await Spool(tmp_path / "spool").append(_capture("hi"))


def test_a_capture_survives_encoding_whole() -> None:
    capture = Capture(
        project=ProjectId("p"),
        user="Zoë\n",
        session=SessionName("ses_1"),
        anchor=After(MessageId(b"\xff" * 16)),
        messages=(
            NewMessage(
                role="assistant",
                text="line\nbreak \ud800 lone",
                occurred_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=-5))),
                content="[]",
                name="n",
                external_id="e",
                metadata="{}",
                agent_id="a",
                is_partial=True,
                distinguisher="d",
            ),
        ),
        captured_at=START,
        agent_id="agent",
        injection=Injection(Lineage(b"l" * 16), "block\r\n", (MessageNumber(3),), START),
        trace_id=TraceId("trc_1"),
    )
    for sample in (capture, replace(capture, anchor=After(None), injection=None, trace_id=None, messages=())):
        line = encode_capture(sample)
        assert b"\n" not in line
        assert decode_capture(line) == sample


@given(
    text=st.text(),
    content=st.none() | st.text(),
    at=st.datetimes(timezones=st.just(UTC)),
    anchor=st.just(AtHead()) | st.builds(After, st.none() | st.binary(min_size=16, max_size=16).map(MessageId)),
)
def test_any_capture_survives_encoding(text: str, content: str | None, at: datetime, anchor: AtHead | After) -> None:
    message = NewMessage(role="user", text=text, content=content, occurred_at=at)
    capture = Capture(PROJECT, text, SessionName(text), anchor, (message,), at)
    assert decode_capture(encode_capture(capture)) == capture
