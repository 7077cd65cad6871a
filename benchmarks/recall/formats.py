"""Published data sets, as they are published, in the form that :mod:`benchmarks.recall.conversations` reads.

* our own: one JSON object a line (``.jsonl``, ``.jsonl.gz``), see README.md
* LoCoMo: ``locomo10.json``
* REALTALK: ``Chat_*.json``, or the folder that holds them
* BEAM: a folder ``chats/100K`` with ``<n>/chat.json`` and ``<n>/probing_questions/probing_questions.json``
* LongMemEval: ``longmemeval_s.json``, ``longmemeval_m.json``, ``longmemeval_oracle.json``; every question is a
  vault of its own
"""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Record = dict[str, Any]

LOCOMO_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
REALTALK_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "commonsense"}
LONGEST_RANGE = 60
_TURN = re.compile(r"D\s*:?\s*(\d+)\s*:\s*(\d+)(?:\s*-\s*D?\s*:?\s*(?:(\d+)\s*:\s*)?(\d+))?")
_SESSION = re.compile(r"session_(\d+)")
_BEAM_TAIL = re.compile(r"\s*->->\s*[\d,N/A ]+\s*$")


def read_records(path: Path) -> list[Record]:
    """Every conversation of a file or folder. ValueError names a path whose form is none of the above."""
    if path.is_dir():
        chats = sorted(path.glob("*/chat.json"), key=lambda chat: (len(chat.parent.name), chat.parent.name))
        if chats:
            return [_beam(chat) for chat in chats]
        return [_realtalk(chat.stem, json.loads(chat.read_text("utf-8"))) for chat in sorted(path.glob("Chat_*.json"))]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        if ".jsonl" in path.suffixes:
            return [json.loads(line) for line in lines if line.strip()]
        found = json.load(lines)
    if isinstance(found, list) and found and "haystack_sessions" in found[0]:
        return [_longmemeval(one) for one in found]
    if isinstance(found, list) and found and "conversation" in found[0]:
        return [_locomo(one) for one in found]
    if isinstance(found, dict) and "session_1" in found:
        return [_realtalk(path.stem, found)]
    message = f"{path} is in none of the forms that are known here; see benchmarks/recall/README.md"
    raise ValueError(message)


def _locomo(record: Record) -> Record:
    talk = record["conversation"]
    sessions = []
    for number in _session_numbers(talk):
        began = datetime.strptime(talk[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        turns = [
            (one["dia_id"], one["speaker"], _with_picture(one, "text"), began) for one in talk[f"session_{number}"]
        ]
        sessions.append(_session(f"session_{number}", turns))
    questions = _turn_questions(record["sample_id"], record["qa"], LOCOMO_CATEGORIES, sessions)
    return {"id": record["sample_id"], "sessions": sessions, "questions": questions}


def _realtalk(name: str, talk: Record) -> Record:
    sessions = []
    for number in _session_numbers(talk):
        turns = []
        for one in talk[f"session_{number}"]:
            said_at = datetime.strptime(one["date_time"], "%d.%m.%Y, %H:%M:%S").replace(tzinfo=UTC)
            turns.append((one["dia_id"], one["speaker"], _with_picture(one, "clean_text"), said_at))
        sessions.append(_session(f"session_{number}", turns))
    return {
        "id": name,
        "sessions": sessions,
        "questions": _turn_questions(name, talk["qa"], REALTALK_CATEGORIES, sessions),
    }


def _beam(path: Path) -> Record:
    name = f"beam-{path.parent.name}"
    sessions: list[Record] = []
    day = datetime(2024, 1, 1, tzinfo=UTC)
    for batch in json.loads(path.read_text("utf-8")):
        day = _beam_day(batch.get("time_anchor")) or day
        messages: list[Record] = []
        for turn in (one for turns in batch["turns"] for one in turns):
            day = _beam_day(turn.get("time_anchor")) or day
            said_at = day + timedelta(seconds=len(messages))
            text = _BEAM_TAIL.sub("", turn["content"])
            messages.append(_message(str(turn["id"]), turn["role"], text, said_at))
        sessions.append({"id": f"batch_{batch['batch_number']}", "messages": messages})
    known = {message["id"] for session in sessions for message in session["messages"]}
    questions = []
    asked = json.loads((path.parent / "probing_questions" / "probing_questions.json").read_text("utf-8"))
    for category, of_category in asked.items():
        for place, one in enumerate(of_category):
            evidence = sorted({str(number) for number in _integers(one.get("source_chat_ids"))} & known)
            answer = str(one.get("answer") or one.get("ideal_response") or one.get("ideal_answer") or "")
            questions.append(_question(f"{name}/{category}/{place}", one["question"], category, evidence, answer))
    return {"id": name, "sessions": sessions, "questions": [one for one in questions if one["evidence"]]}


def _beam_day(anchor: object) -> datetime | None:
    """``March-15-2024``; None where a message has no anchor, or another text in its place."""
    try:
        return datetime.strptime(str(anchor), "%B-%d-%Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _longmemeval(record: Record) -> Record:
    """Evidence are the turns that are marked; the labelled sessions stand beside them, as not all have marks."""
    sessions: list[Record] = []
    evidence = []
    rows = zip(record["haystack_session_ids"], record["haystack_dates"], record["haystack_sessions"], strict=True)
    for place, (session, date, turns) in enumerate(rows):
        began = _longmemeval_time(date)
        messages = []
        for number, turn in enumerate(turns):
            identifier = f"{place}:{number}"
            messages.append(_message(identifier, turn["role"], turn["content"], began + timedelta(seconds=number)))
            evidence += [identifier] if turn.get("has_answer") else []
        sessions.append({"id": f"{session}#{place}", "messages": messages})
    wanted = set(record["answer_session_ids"])
    question = _question(
        record["question_id"], record["question"], record["question_type"], evidence, str(record["answer"])
    )
    question["sessions"] = [one["id"] for one in sessions if one["id"].rpartition("#")[0] in wanted]
    question["asked_at"] = _longmemeval_time(record["question_date"]).isoformat()
    is_answerable = not record["question_id"].endswith("_abs") and question["sessions"]
    return {"id": record["question_id"], "sessions": sessions, "questions": [question] if is_answerable else []}


def _longmemeval_time(text: str) -> datetime:
    """``2023/04/10 (Mon) 17:50``."""
    return datetime.strptime(re.sub(r"\s*\(\w+\)", "", text), "%Y/%m/%d %H:%M").replace(tzinfo=UTC)


def _session_numbers(talk: Record) -> list[int]:
    return sorted(int(found[1]) for found in map(_SESSION.fullmatch, talk) if found)


def _with_picture(turn: Record, field: str) -> str:
    caption = turn.get("blip_caption") or turn.get("img_caption")
    return " ".join(filter(None, [turn[field] or "", f"[shares {caption}]" if caption else ""]))


def _session(name: str, turns: Iterable[tuple[str, str, str, datetime]]) -> Record:
    """Both speakers are people: the role is always ``user``, the name says who."""
    return {
        "id": name,
        "messages": [
            {**_message(turn, "user", text, said_at), "name": speaker} for turn, speaker, text, said_at in turns
        ],
    }


def _message(identifier: str, role: str, text: str, said_at: datetime) -> Record:
    return {"id": identifier, "role": role, "content": text, "occurred_at": said_at.isoformat()}


def _turn_questions(name: str, asked: list[Record], categories: dict[int, str], sessions: list[Record]) -> list[Record]:
    known = {message["id"] for session in sessions for message in session["messages"]}
    questions = []
    for place, one in enumerate(asked):
        evidence = sorted({turn for label in one.get("evidence", ()) for turn in _turns(str(label))} & known)
        category = categories[one["category"]]
        questions.append(_question(f"{name}/{place}", one["question"], category, evidence, str(one.get("answer", ""))))
    return [one for one in questions if one["evidence"]]


def _question(identifier: str, text: str, category: str, evidence: list[str], answer: str) -> Record:
    return {"id": identifier, "text": text, "category": category, "evidence": evidence, "answer": answer}


def _turns(label: str) -> Iterator[str]:
    """The turns of a label: ``D8:6; D9:17``, ``D9:1 D4:4``, ``D30:05``, or the range ``D12:3-D12:5``."""
    for found in _TURN.finditer(label):
        session, first = int(found[1]), int(found[2])
        last_session, last = int(found[3] or session), int(found[4] or first)
        if last_session == session and first <= last < first + LONGEST_RANGE:
            yield from (f"D{session}:{turn}" for turn in range(first, last + 1))
        else:
            yield f"D{session}:{first}"
            yield f"D{last_session}:{last}"


def _integers(value: object) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict):
        yield from (number for one in value.values() for number in _integers(one))
    elif isinstance(value, list):
        yield from (number for one in value for number in _integers(one))
