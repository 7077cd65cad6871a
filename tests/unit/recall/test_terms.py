"""Words become terms in any language."""

from __future__ import annotations

import pytest

from recollect.recall.languages import detect_language
from recollect.recall.terms import index_terms, term_hash, words


def test_english_is_stemmed_without_stop_words_and_possessives():
    terms, language = index_terms("The dogs were running to Caroline's houses")
    assert terms == ["dog", "run", "carolin", "hous"]
    assert language == "english"


def test_a_curly_apostrophe_is_an_apostrophe():
    assert index_terms("Anna\u2019s don\u2019t")[0] == index_terms("Anna's don't")[0] == ["anna"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ich habe gestern mit meiner Schwester gegessen", "german"),
        ("Me gusta mucho la casa de mi hermana", "spanish"),
        ("Je suis allé à la plage avec mes amis", "french"),
        ("Я вчера был в театре", "russian"),
        ("I went there with my sister", "english"),
        ("Pizza", ""),
    ],
)
def test_the_language_is_told_by_its_stop_words_or_script(text: str, language: str):
    assert detect_language(words(text)) == language


def test_words_of_a_language_meet_in_their_stem():
    assert set(index_terms("Wir lieben unsere Katzen", "german")[0]) & set(index_terms("die Katze", "german")[0])
    assert set(index_terms("mis perros", "spanish")[0]) == set(index_terms("el perro", "spanish")[0])


def test_chinese_and_japanese_become_pairs_of_characters():
    assert "北京" in index_terms("我昨天去了北京大学")[0]
    assert "東京" in index_terms("昨日は東京タワーに行きました")[0]
    assert index_terms("的")[0] == []


def test_korean_words_are_kept_whole():
    assert index_terms("저는 등산을 좋아해요")[0] == ["저는", "등산을", "좋아해요"]


def test_full_width_letters_are_letters():
    assert index_terms("\uff21\uff22\uff23")[0] == ["abc"]


def test_a_lone_surrogate_does_no_harm():
    assert isinstance(term_hash(index_terms("broken \ud800x")[0][-1]), int)


def test_hashes_are_stable_and_32_bits():
    assert term_hash("hike") == 587323364
    assert 0 <= term_hash("登山") < 1 << 32
