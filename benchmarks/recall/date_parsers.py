"""Date expressions of questions: the engine's own parser beside the libraries that are installed.

    pip install dateparser parsedatetime python-dateutil recurrent timefhuman
    python -m benchmarks.recall.date_parsers

The questions are ours, asked on Thursday, 14 March 2024. A dated one counts where all that was read of it overlaps
the days that are meant; an undated one where nothing was read. A library gives moments, the day of which counts.
"""

from __future__ import annotations

import importlib
import statistics
import time
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from recollect.recall.dates import explicit_days, relative_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Spans = list[tuple[int, int]]

TODAY = date(2024, 3, 14)
NOW = datetime(2024, 3, 14, 12)  # noqa: DTZ001  the libraries want it without a zone
ENGLISH = """
What did I do on 8 May 2023? | 2023-05-08
Where was Anna on May 8, 2023? | 2023-05-08
What happened on 2023-05-08? | 2023-05-08
Who came in June 2023? | 2023-06-01 2023-06-30
What did we plan in 2022? | 2022-01-01 2022-12-31
What did I say yesterday? | 2024-03-13
What did she cook last Friday? | 2024-03-08
Where did I go three weeks ago? | 2024-02-22
Whom did I meet last week? | 2024-03-04 2024-03-10
What did I buy two days ago? | 2024-03-12
Which film did we see the day before yesterday? | 2024-03-12
What did I promise for tomorrow? | 2024-03-15
What did I plan for next Monday? | 2024-03-18
What happened last month? | 2024-02-01 2024-02-29
Which trips did I make last year? | 2023-01-01 2023-12-31
"""
OTHERS = """
Was war am 8. Mai 2023? | 2023-05-08
Wen habe ich gestern getroffen? | 2024-03-13
Was habe ich vor drei Wochen gekauft? | 2024-02-22
Wo war ich im Juni 2023? | 2023-06-01 2023-06-30
¿Qué hice el 8 de mayo de 2023? | 2023-05-08
¿Qué dije ayer? | 2024-03-13
¿Dónde estuve hace dos días? | 2024-03-12
Qu'ai-je mangé hier soir? | 2024-03-13
Où étais-je le 8 mai 2023 ? | 2023-05-08
2023年5月8日我做了什么? | 2023-05-08
昨天我吃了什么? | 2024-03-13
2023年5月8日に何をしましたか。 | 2023-05-08
昨日何を食べましたか。 | 2024-03-13
"""
UNDATED = """
What did Anna say about her second job?
How many cats do I have?
May I ask what I told you about the march to the sea?
What is the name of my cat?
Which car did Paul buy in the end?
Did I run 10 or 12 kilometres?
Was mag ich zum Frühstück?
¿Cómo se llama mi perro?
我的猫叫什么名字?
What did Sunday's band play?
Who is now my manager?
What would I never eat?
"""


def own(text: str) -> Spans:
    """The engine's."""
    return [(day.first, day.last) for day in (*explicit_days(text)[0], *relative_days(text, TODAY))]


def dateparser(text: str) -> Spans:
    """Told which languages may come; without, it needs 44 ms and reads fewer."""
    settings = {"RELATIVE_BASE": NOW, "PREFER_DATES_FROM": "past"}
    search = _load("dateparser.search").search_dates
    found = search(text, languages=["en", "de", "es", "fr", "zh", "ja"], settings=settings)
    return _spans(moment for _, moment in found or ())


def parsedatetime(text: str) -> Spans:
    return _spans(found[0] for found in _load("parsedatetime").Calendar().nlp(text, sourceTime=NOW) or ())


def dateutil(text: str) -> Spans:
    try:
        return _spans([_load("dateutil.parser").parse(text, fuzzy=True, default=NOW)])
    except (ValueError, OverflowError):
        return []


def recurrent(text: str) -> Spans:
    found = _load("recurrent.event_parser").RecurringEvent(now_date=NOW).parse(text)
    return _spans([found] if isinstance(found, datetime) else [])


def timefhuman(text: str) -> Spans:
    library = _load("timefhuman")
    found = library.timefhuman(text, library.tfhConfig(now=NOW)) or []
    firsts = (one[0] if isinstance(one, tuple) else one for one in (found if isinstance(found, list) else [found]))
    return _spans(one for one in firsts if hasattr(one, "toordinal"))


PARSERS: tuple[Callable[[str], Spans], ...] = (own, dateparser, parsedatetime, dateutil, recurrent, timefhuman)


def _load(name: str) -> Any:  # noqa: ANN401  a module that may not be there
    return importlib.import_module(name)


def _spans(moments: Iterable[date]) -> Spans:
    return [(moment.toordinal(),) * 2 for moment in moments]


def _cases(text: str) -> list[tuple[str, tuple[int, int] | None]]:
    cases: list[tuple[str, tuple[int, int] | None]] = []
    for line in text.strip().splitlines():
        question, _, days = line.partition(" | ")
        meant = [date.fromisoformat(day).toordinal() for day in days.split()]
        cases.append((question, (meant[0], meant[-1]) if meant else None))
    return cases


def is_right(found: Spans, meant: tuple[int, int] | None) -> bool:
    """Whether exactly what is meant was read."""
    if meant is None:
        return not found
    return bool(found) and all(first <= meant[1] and last >= meant[0] for first, last in found)


def main() -> None:
    print("| parser | English | other languages | undated left alone | ms median |\n|---|---|---|---|---|")
    for parse in PARSERS:
        try:
            parse("yesterday")
        except ModuleNotFoundError:
            continue
        shares, times = [], []
        for cases in map(_cases, (ENGLISH, OTHERS, UNDATED)):
            right = 0
            for question, meant in cases:
                started = time.thread_time()
                found = parse(question)
                times.append(time.thread_time() - started)
                right += is_right(found, meant)
            shares.append(f"{right} of {len(cases)}")
        print(f"| {parse.__name__} | {' | '.join(shares)} | {1000 * statistics.median(times):.2f} |")


if __name__ == "__main__":
    main()
