"""The mean direction of the model's token states, which is taken out before they are compared.

Contextual token vectors crowd around a common direction (Ethayarajh 2019, arXiv 1909.00512), so that their signs
alone would say little. The mean over the fixed, generic sentences below is a constant of the model: no vault's
text goes into it, and every installation computes the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

VERSION = 1
"""Part of the model's id: other sentences would be another space."""

SENTENCES = (
    "Anna: I finally booked the train tickets for next weekend, we leave on Friday evening.",
    "Tom: That sounds lovely! How long will you stay?",
    "Anna: Three nights. My sister is coming along with her two kids.",
    "user: Can you help me write a short letter to my landlord about the broken heating?",
    "assistant: Of course. Here is a draft that describes the problem and asks for a repair within a week.",
    "user: My budget is about two hundred dollars, and I would like something lightweight.",
    "assistant: In that range there are three good options; the second one has the best battery life.",
    "What did she say about the job interview?",
    "When did they move into the new apartment?",
    "How many books has he read this year?",
    "Who taught him how to play the guitar?",
    "Which restaurant did we talk about last month?",
    "Where does his brother live now?",
    "user: The test fails with a timeout after thirty seconds, although the server answers quickly.",
    "assistant: The connection pool is exhausted. Close each response, or raise the limit in the configuration.",
    "Maria: I used to play the piano every day when I was little, but I stopped at university.",
    "Ben: My doctor told me to eat less salt and to walk at least an hour a day.",
    "Ben: So I bought new shoes and started walking around the lake in the morning.",
    "Maria: Good for you! I have been meaning to start running again since the winter.",
    "user: I am allergic to peanuts, so please leave them out of the recipe.",
    "assistant: Here is the recipe without nuts: rice, vegetables, coconut milk and a little ginger.",
    "Lena: The photos from the wedding arrived yesterday. The one under the old tree is my favourite.",
    "Omar: We lost the match four to one, but the children had a great time anyway.",
    "Lena: Do you remember the name of the little cafe near the museum?",
    "Omar: I think it was called The Blue Door. They had the best cheesecake in town.",
    "user: Our first meeting is on the third of June at ten, and the deadline is the end of August.",
    "assistant: I have noted the meeting and the deadline. Shall I divide the work into weekly steps?",
    "The committee approved the plan in March, and the building was finished two years later.",
    "It rained the whole week, so the festival was moved into the town hall.",
    "She grew up in a small village by the sea and studied medicine in the capital.",
    "He works as a nurse on the night shift and paints landscapes in his free time.",
    "Prices rose by four percent last year, while wages stayed almost the same.",
    "user: What is the difference between a list and a tuple?",
    "assistant: A list can be changed after it was made, a tuple cannot; use a tuple for fixed records.",
    "Ivan: My dog hurt his paw on a piece of glass, but the vet says that it will heal soon.",
    "Sofia: Oh no, poor thing! Give him a hug from me.",
    "Ivan: Thanks! He already wants to chase the cats again.",
    "Sofia: I got the scholarship! I will start in September, and I am so excited.",
    "Ivan: Congratulations! You have worked so hard for it. What will you study?",
    "Sofia: Environmental engineering. I want to work on clean water some day.",
    "user: Please remember that I prefer short answers with an example.",
    "assistant: Understood. I will keep answers short and add one example.",
    "The recipe needs two eggs, a cup of flour, a pinch of salt and some butter.",
    "Turn left at the church, cross the bridge, and you will see the station on your right.",
    "The new phone is faster than the old one, but its camera is worse at night.",
    "We watched a film about the first journey to the moon and talked until midnight.",
    "My grandmother turned ninety last Sunday, and the whole family came to celebrate.",
    "I am thinking about selling the car and buying a good bicycle instead.",
    "They adopted a cat from the shelter and named her Pepper.",
    "Yes, exactly. That is what I meant.",
    "Thanks a lot, talk to you soon!",
    "No worries, take your time.",
)


def mean_direction(states: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean over all tokens of their unit vectors: float32 (dimension,)."""
    tokens = np.concatenate(list(states))
    return np.asarray(unit_rows(tokens).mean(axis=0), np.float32)


def centred(states: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """``states`` (tokens, dimension) as unit vectors, without the common direction, unit vectors again."""
    return unit_rows(unit_rows(states) - centre)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows divided by their length; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)
