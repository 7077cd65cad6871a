"""What chat UIs and agents send for themselves."""

from __future__ import annotations

import pytest

from recollect.wire.side_calls import is_marked_side_call, is_side_prompt, strip_harness


@pytest.mark.parametrize(
    ("system", "user"),
    [
        (
            "",
            "### Task:\nGenerate a concise, 3-5 word title with an emoji.\n### Guidelines:",
        ),
        ("", "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history"),
        ("", "### Task:\nSuggest 3-5 relevant follow-up questions or prompts"),
        ("", "### Task:\nAnalyze the chat history to determine the necessity of generating search queries"),
        ("", "### Task:\nYou are an autocompletion system."),
        ("", "Provide a concise, 5-word-or-less title for the conversation, using title case"),
        ("", "Please generate a four to five word title summarizing our conversation without any lead-in"),
        ("", "Please write a 5-10 word title for the following conversation:"),
        ("", "Based on the chat history, give this conversation a name."),
        ("", "Your task is to create a detailed summary of the conversation so far, paying close attention"),
        ("", "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary for another LLM"),
        ("", "Provide a detailed prompt for continuing our conversation above."),
        ("You are a title generator. You output ONLY a thread title. Nothing else.", "Generate a title"),
        ("You are a helpful AI assistant tasked with summarizing conversations.", "go on"),
        ("Summarize this coding conversation in under 50 characters.", "x"),
    ],
)
def test_templates_of_known_programs_are_side_calls(system: str, user: str) -> None:
    assert is_side_prompt(system, user)


@pytest.mark.parametrize(
    ("system", "user"),
    [
        ("You are a helpful assistant.", "What are my hobbies?"),
        ("", "Generate a title for my essay about hiking"),
        ("", "Write a short 5-word title for my poem"),
        ("", "Can you summarize the conversation so far?"),
        ("", "Write a short story title generator in Python"),
        ("You write newsletters and their titles.", "Suggest 3 follow-up questions for my interview"),
        ("", "Please provide a concise summary of this article"),
        ("", "My task: generate tags"),
    ],
)
def test_a_person_who_asks_for_a_title_is_a_person(system: str, user: str) -> None:
    assert not is_side_prompt(system, user)


@pytest.mark.parametrize(
    "values",
    [
        {"generate": False},
        {"metadata": {"task": "title_generation"}},
        {"client_metadata": {"x-codex-turn-metadata": '{"request_kind": "prewarm"}'}},
        {"client_metadata": {"x-codex-turn-metadata": '{"request_kind":"compaction"}'}},
    ],
)
def test_requests_that_say_so_are_side_calls(values: dict[str, object]) -> None:
    assert is_marked_side_call(values)


@pytest.mark.parametrize(
    "values",
    [{}, {"generate": True}, {"metadata": {"task": "essay"}}, {"metadata": [1]}, {"client_metadata": "x"}],
)
def test_others_are_not(values: dict[str, object]) -> None:
    assert not is_marked_side_call(values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<environment_context>\n  <cwd>/w</cwd>\n</environment_context>", ""),
        ("# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\nuse tabs\n</INSTRUCTIONS>", ""),
        ("<user_instructions>use tabs</user_instructions>", ""),
        ("<system-reminder>\nbe careful\n</system-reminder>\nfix the bug", "fix the bug"),
        ("fix the bug\n<environment_details>\ntime\n</environment_details>", "fix the bug"),
        ("<task>\nfix the bug\n</task>\n<environment_details>x</environment_details>", "fix the bug"),
        ('<attached_files src="x">y</attached_files>\n<user_query>\nwhy?\n</user_query>', "why?"),
        ("  what does <b>bold</b> mean? ", "  what does <b>bold</b> mean? "),
        ("<system-reminder>a</system-reminder>why?<system-reminder>b</system-reminder>", "why?"),
        ("<environment_info><system-reminder></environment_info>why?</system-reminder>", "why?</system-reminder>"),
        ("<environment_context> never closed", "<environment_context> never closed"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_harness_text_is_stripped_from_the_users_words(text: str, words: str) -> None:
    assert strip_harness(text) == words


@pytest.mark.parametrize(
    "piece", ["<system-reminder>", "<system-reminder ", "</", "<environment_info></environment_info>"]
)
def test_long_hostile_text_is_read_in_linear_time(piece: str) -> None:
    text = f"{piece * 300_000}</x> why?"
    assert strip_harness(text).endswith("why?")
    assert not is_side_prompt(text, "### Task:" + "\n" * 500_000)
