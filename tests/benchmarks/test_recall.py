"""The recall benchmark reads data sets as they are published, and measures what it says."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest

from benchmarks.recall.conversations import Question, load_conversations
from benchmarks.recall.judge import Judge
from benchmarks.recall.measures import ranking_measures, session_measures

LOCOMO = {
    "sample_id": "talk-1",
    "conversation": {
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ines", "dia_id": "D1:1", "text": "I bought a kayak."},
            {"speaker": "Omar", "dia_id": "D1:2", "text": "Look!", "blip_caption": "a red boat"},
        ],
        "session_2_date_time": "10:00 am on 9 May, 2023",
        "session_2": [{"speaker": "Ines", "dia_id": "D2:1", "text": "It leaks."}],
    },
    "qa": [
        {"question": "What leaks?", "answer": "the kayak", "evidence": ["D1:1; D2:1"], "category": 1},
        {"question": "Unlabelled?", "answer": "no", "evidence": [], "category": 3},
    ],
}
REALTALK = {
    "name": {"speaker_1": "Ines", "speaker_2": "Omar"},
    "session_1": [
        {"clean_text": text, "speaker": "Ines", "date_time": "29.12.2023, 10:00:00", "dia_id": f"D1:{turn}"}
        for turn, text in enumerate(("one", "two", "three"), 1)
    ],
    "qa": [{"question": "Which?", "answer": "two and three", "evidence": ["D1:2-D1:3"], "category": 2}],
}
BEAM = [
    {
        "batch_number": 1,
        "time_anchor": "March-15-2024",
        "turns": [
            [
                {"role": "user", "id": 0, "content": "My sprint ends on Friday. ->-> 1,2"},
                {"role": "assistant", "id": 1, "content": "Noted."},
            ]
        ],
    }
]
BEAM_QUESTIONS = {
    "knowledge_update": [
        {"question": "When does it end?", "answer": "Friday", "source_chat_ids": {"original_info": [0], "updated": []}}
    ],
    "abstention": [{"question": "Why?", "ideal_response": "Not said."}],
}
LONGMEMEVAL = {
    "question_id": "q1",
    "question_type": "multi-session",
    "question": "How many boats?",
    "answer": 2,
    "question_date": "2023/05/30 (Tue) 23:40",
    "haystack_session_ids": ["a", "b", "a"],
    "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 02:21", "2023/05/22 (Mon) 02:21"],
    "haystack_sessions": [
        [{"role": "user", "content": "I own a boat.", "has_answer": True}, {"role": "assistant", "content": "Nice."}],
        [{"role": "user", "content": "Rain again."}],
        [{"role": "user", "content": "A second boat came.", "has_answer": True}],
    ],
    "answer_session_ids": ["a"],
}


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_locomo(tmp_path: Path):
    [talk] = load_conversations(write(tmp_path / "locomo10.json", [LOCOMO]))
    assert [message.text for message in talk.messages] == [
        "I bought a kayak.",
        "Look! [shares a red boat]",
        "It leaks.",
    ]
    assert [message.name for message in talk.messages] == ["Ines", "Omar", "Ines"]
    assert talk.messages[0].occurred_at.isoformat() == "2023-05-08T13:56:00+00:00"
    [question] = talk.questions
    assert (question.category, question.answer) == ("multi-hop", "the kayak")
    assert question.evidence == {"D1:1", "D2:1"}
    assert question.sessions == {"session_1", "session_2"}


def test_realtalk_as_a_folder(tmp_path: Path):
    write(tmp_path / "Chat_1_Ines_Omar.json", REALTALK)
    [talk] = load_conversations(tmp_path)
    assert talk.id == "Chat_1_Ines_Omar"
    assert talk.questions[0].evidence == {"D1:2", "D1:3"}, "a range of turns"


def test_beam(tmp_path: Path):
    write(tmp_path / "1" / "chat.json", BEAM)
    write(tmp_path / "1" / "probing_questions" / "probing_questions.json", BEAM_QUESTIONS)
    [talk] = load_conversations(tmp_path)
    assert [(message.role, message.text) for message in talk.messages] == [
        ("user", "My sprint ends on Friday."),
        ("assistant", "Noted."),
    ]
    [question] = talk.questions
    assert (question.category, question.evidence) == ("knowledge_update", {"0"})


def test_longmemeval(tmp_path: Path):
    unanswerable = {**LONGMEMEVAL, "question_id": "q2_abs"}
    [talk] = load_conversations(write(tmp_path / "longmemeval_s.json", [LONGMEMEVAL, unanswerable]))
    [question] = talk.questions
    assert len(question.evidence) == 2
    assert question.sessions == {"a#0", "a#2"}, "a session that stands there twice is two sessions"
    assert question.asked_at == "2023-05-30T23:40:00+00:00"
    assert question.answer == "2"


def test_our_own_form(tmp_path: Path):
    record = {
        "id": "c1",
        "sessions": [
            {
                "id": "s1",
                "messages": [{"id": 1, "role": "user", "content": "hi", "occurred_at": "2024-03-04T12:00:00Z"}],
            }
        ],
        "questions": [{"id": "q", "text": "?", "category": "x", "evidence": [1]}],
    }
    path = tmp_path / "talks.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(record).encode()))
    [talk] = load_conversations(path)
    assert talk.questions[0].sessions == {"s1"}


def test_another_form_is_named(tmp_path: Path):
    path = write(tmp_path / "else.json", {"a": 1})
    with pytest.raises(ValueError, match=r"else\.json is in none of the forms"):
        load_conversations(path)


def test_sessions_count_at_the_place_of_their_first_hit():
    measures = session_measures(["x", "a", "x", "a", "b"], frozenset({"a", "b"}))
    assert measures["session any@5"] == measures["session all@5"] == 1.0
    best = 1 + 1 / math.log2(3)
    assert measures["session ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(4)) / best)
    assert session_measures(["x"], frozenset({"a"})) == {
        "session any@5": 0.0,
        "session all@5": 0.0,
        "session ndcg@10": 0.0,
    }


def test_evidence_is_counted_among_the_first():
    measures = ranking_measures(["x", "a", *"uvwyz", "b"], frozenset({"a", "b"}))
    assert (measures["R@5"], measures["R@10"], measures["all@10"], measures["MRR"]) == (0.5, 1.0, 1.0, 0.5)
    assert ranking_measures(["x"], frozenset()) == {}


@pytest.mark.parametrize(("verdict", "is_right"), [("Yes.", True), ("no", False)])
def test_a_model_answers_from_the_memories_and_judges(verdict: str, is_right: bool, scripted_model):
    client, asked = scripted_model("A kayak.", verdict)
    question = Question("q", "What leaks?", "x", frozenset(), frozenset(), answer="the kayak")
    assert Judge(client, "some-model").is_right(question, "Ines: the kayak leaks") is is_right
    assert "Ines: the kayak leaks" in asked[0]
    assert "Expected: the kayak" in asked[1]
    assert "Answer: A kayak." in asked[1]
