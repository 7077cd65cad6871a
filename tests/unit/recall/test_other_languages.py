"""Nothing assumes English. Words alone must find these; a multilingual model finds more."""

from __future__ import annotations

import pytest

from tests.unit.recall.rooms import Room, texts

CONVERSATIONS = {
    "german": (
        ["Meine Schwester Lena hat zwei Katzen adoptiert.", "Am 3. Mai 2024 ziehen wir nach Hamburg um.", "Ich esse keine Erdnüsse, weil ich allergisch bin."],
        {"Welche Katze hat Lena?": 0, "Wann ist der Umzug nach Hamburg?": 1, "Bin ich gegen eine Erdnuss allergisch?": 2},
    ),
    "spanish": (
        ["Mi hermana Lucía adoptó dos gatos negros.", "El 3 de mayo de 2024 nos mudamos a Sevilla.", "No como cacahuetes porque soy alérgico."],
        {"¿Qué gato tiene Lucía?": 0, "¿Cuándo nos mudamos a Sevilla?": 1, "¿Soy alérgico a algún cacahuete?": 2},
    ),
    "chinese": (
        ["我妹妹丽娜养了两只黑猫。", "我们五月三日搬到上海。", "我对花生过敏，所以不吃。"],
        {"丽娜养了什么猫？": 0, "我们什么时候搬到上海？": 1, "我对什么过敏？": 2},
    ),
    "japanese": (
        ["妹のリナは黒い猫を二匹飼っています。", "5月3日に大阪へ引っ越します。", "ピーナッツアレルギーなので食べません。"],
        {"リナは何の猫を飼っていますか？": 0, "いつ大阪へ引っ越しますか？": 1, "何のアレルギーがありますか？": 2},
    ),
    "russian": (
        ["Моя сестра Лена завела двух чёрных кошек.", "Третьего мая мы переезжаем в Казань.", "У меня аллергия на арахис."],
        {"Какая кошка у Лены?": 0, "Когда мы переезжаем в Казань?": 1, "На что аллергия?": 2},
    ),
}


@pytest.mark.parametrize("language", list(CONVERSATIONS))
async def test_a_question_finds_its_message(language: str):
    said, questions = CONVERSATIONS[language]
    room = Room()
    others = [line for other, (lines, _) in CONVERSATIONS.items() if other != language for line in lines]
    await room.say(*said, *others)
    await room.index()
    for question, place in questions.items():
        found = texts((await room.recall(question)).ranking)
        assert found[0] == said[place], question


async def test_a_vault_of_two_languages_is_searched_in_both():
    room = Room()
    await room.say("Wir haben gestern viele Pilze gesammelt.", "I collected many mushrooms in the forest.")
    await room.index()
    assert texts((await room.recall("Welchen Pilz haben wir gesammelt?")).ranking)[0].startswith("Wir")
    assert texts((await room.recall("Which mushroom did I collect?")).ranking)[0].startswith("I")
