"""Calls that a chat UI or an agent makes for itself, and text that a harness puts around the user's words.

Neither is the person speaking: such calls get no memory and leave none, such text is not stored. The lists are
the opening words of the templates that these programs ship, so that a person who asks for a title is not taken
for one of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HARNESS_TAGS = (
    "environment_context|environment_details|environment_info|user_instructions|system-reminder|system_reminder|"
    "permissions instructions|collaboration_mode|skills_instructions|apps_instructions|plugins_instructions|"
    "turn_aborted|INSTRUCTIONS|local-command-caveat|local-command-stdout|local-command-stderr|command-name|"
    "command-message|command-args|bash-input|bash-stdout|bash-stderr|task-notification|user-prompt-submit-hook|"
    "ide_context|ide_opened_file|ide_selection|editor_context|open_and_recently_viewed_files|attached_files|"
    "additional_data|reminderInstructions|workspace_info|task_progress|slash_command_rules|system_information"
)
_harness_opening = re.compile(rf"<({_HARNESS_TAGS})(?:\s[^<>]{{0,500}})?>")
_wrapper = re.compile(r"</?(?:user_query|userRequest|user_message|task|feedback)>")
_harness_message = re.compile(
    r"""(?:
      \#\ AGENTS\.md\ instructions\b
    | This\ session\ is\ being\ continued\ from\ a\ previous\ conversation\ that\ ran\ out\ of\ context
    | Caveat:\ The\ messages\ below\ were\ generated\ by\ the\ user\ while\ running\ local\ commands
    | \[Request\ interrupted\ by\ user(?:\ for\ tool\ use)?\]$
    )""",
    re.VERBOSE,
)
_HARNESS_HEADS = ("<", "# AGENTS.md", "This session", "Caveat:", "[Request")
_reminder_opening = re.compile(r"<(system-reminder)>")

_SIDE_USER_HEADS = re.compile(
    r"""(?:
      \#\#\#\ Task:[ ]{0,3}\r?\n\s{0,3}
        (?:Generate|Suggest|Analyze|Create|Based\ on|You\ are\ an\ autocompletion|Your\ task\ is\ to\ (?:reflect|synth))
    | (?:Please\ )?(?:provide|generate|write|create)\ a\ (?:concise|brief|short)?,?\ ?
        (?:\d+|five|four)[-\ ](?:word|to|\d+)[^\n]{0,40}\ title\ [^\n]{0,60}(?:conversation|chat|thread)
    | Please\ generate\ a\ four\ to\ five\ word\ title
    | Generate\ a\ (?:brief\ )?title\ (?:for|that)\ [^\n]{0,60}(?:conversation|chat|thread)
    | Based\ on\ the\ chat\ history,\ give\ this\ conversation\ a\ name
    | Summarize\ the\ discussion\ briefly\ in\ 200\ words\ or\ less\ to\ use\ as\ a\ prompt
    | Your\ task\ is\ to\ create\ a\ detailed\ summary\ of\ the\ conversation\ so\ far
    | You\ are\ performing\ a\ CONTEXT\ CHECKPOINT\ COMPACTION
    | Provide\ a\ detailed\ (?:prompt|summary)\ (?:for|of)\ [^\n]{0,30}(?:our|the)\ conversation\ above
    | Analyze\ if\ this\ message\ indicates\ a\ new\ conversation\ topic
    | CRITICAL:\ Respond\ with\ TEXT\ ONLY\.\ Do\ NOT\ call\ any\ tools\.
    | Your\ task\ is\ to\ create\ a\ detailed\ summary\ of\ the\ RECENT\ portion\ of\ the\ conversation
    | \[SUGGESTION\ MODE\b
    | The\ user\ stepped\ away\ and\ is\ coming\ back\.
    | Perform\ a\ web\ search\ for\ the\ query:
    | Web\ page\ content:\s{0,4}---
    | <policy_spec>
    | Create\ a\ new\ anchored\ summary\ from\ the\ conversation\ history
    | Generate\ \d(?:-\d)?\ (?:short\ |relevant\ )?follow[-\ ]up\ questions
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_SIDE_SYSTEM_HEADS = re.compile(
    r"""(?:
      You\ are\ a\ (?:conversation\ |thread\ |chat\ )?(?:title\ generator|summary\ assistant)
    | You\ are\ an\ AI\ assistant\ that\ generates\ (?:a\ )?(?:concise\ |short\ )?titles?
    | You\ generate\ (?:concise\ |short\ )?titles?\ for\ (?:conversations|chats)
    | Summarize\ this\ coding\ conversation\ in\ under
    | Analyze\ if\ this\ message\ indicates\ a\ new\ conversation\ topic
    | Your\ task\ is\ to\ process\ Bash\ commands\ that\ an\ AI\ coding\ agent\ wants\ to\ run
    | Extract\ any\ file\ paths\ that\ this\ command\ reads\ or\ modifies
    | You\ are\ an\ assistant\ for\ performing\ a\ web\ search\ tool\ use
    | You\ are\ a\ security\ monitor\ for\ autonomous\ AI\ coding\ agents
    | You\ are\ a\ helpful\ AI\ assistant\ tasked\ with\ summarizing\ conversations
    | You\ are\ an\ anchored\ context\ summarization\ assistant
    | Generate\ a\ (?:concise,?\ )?(?:sentence-case\ )?title\b
    | You\ are\ tasked\ with\ generating\ (?:a\ )?(?:conversation\ )?titles?
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_SIDE_TASKS = frozenset(
    {
        "title_generation",
        "tags_generation",
        "emoji_generation",
        "query_generation",
        "image_prompt_generation",
        "autocomplete_generation",
        "function_calling",
        "moa_response_generation",
        "follow_up_generation",
    }
)
"""``metadata.task`` as Open WebUI sets it."""
_CODEX_TURN = re.compile(r'"request_kind"\s*:\s*"(?:prewarm|compact\w*|title\w*)"')


def strip_harness(text: str) -> str:
    """The user's own words: known harness sections cut out, known wrappers opened. "" where nothing else is there."""
    if not text.lstrip().startswith(_HARNESS_HEADS) and "</" not in text:
        return text
    if _harness_message.match(text.strip()):
        return ""
    opened = _wrapper.sub("", "".join(_outside(text, _harness_opening)))
    return text if opened == text else opened.strip()


def strip_reminders(text: str) -> str:
    """A tool's result without the reminders that Claude Code writes into it; everything else as it is."""
    return "".join(_outside(text, _reminder_opening)).strip() if "<system-reminder>" in text else text


def _outside(text: str, openings: re.Pattern[str]) -> Iterator[str]:
    """What stands outside of the sections that begin so; one that is never closed is no section.

    Linear in the text's length.
    """
    position = 0
    unclosed: set[str] = set()
    for opening in openings.finditer(text):
        tag = opening[1]
        if opening.start() < position or tag in unclosed:
            continue
        closing = f"</{tag}>"
        end = text.find(closing, opening.end())
        if end < 0:
            unclosed.add(tag)
            continue
        yield text[position : opening.start()]
        position = end + len(closing)
    yield text[position:]


def is_side_prompt(system_text: str, user_text: str) -> bool:
    """The system prompt or the last user message opens like a side call of a known program."""
    return bool(_SIDE_USER_HEADS.match(user_text.lstrip()) or _SIDE_SYSTEM_HEADS.match(system_text.lstrip()))


def is_warm_up(user_text: str) -> bool:
    """The word that Claude Code sends to have an agent's prompt cached."""
    return user_text.strip() == "Warmup"


def is_marked_side_call(values: dict[str, object]) -> bool:
    """The request says so itself: Codex's prewarm and compaction, Open WebUI's tasks, ``generate: false``."""
    if values.get("generate") is False:
        return True
    metadata = values.get("metadata")
    if isinstance(metadata, dict) and metadata.get("task") in _SIDE_TASKS:
        return True
    client = values.get("client_metadata")
    turn = client.get("x-codex-turn-metadata") if isinstance(client, dict) else None
    return isinstance(turn, str) and _CODEX_TURN.search(turn) is not None
