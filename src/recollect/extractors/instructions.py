"""Text that is shaped like an instruction to an assistant: kept as something that was said, never as a fact."""

from __future__ import annotations

import re

_shapes = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|previous|prior|above|earlier|rules?|"
    r"prompt|guidelines?)\b"
    r"|\bsystem prompt\b|\bdeveloper mode\b|\bjailbreak"
    r"|\b(?:you (?:must|should|shall|will|have to|need to|are (?:now|not)|can(?:'t|not)? )|act as|"
    r"pretend (?:to|you)|roleplay)\b"
    r"|\b(?:always|never|only|please) (?:\w+ly )?(?:respond|reply|answer|say|use|include|mention|reveal|tell|"
    r"format|call|call me|"
    r"address|provide|give|add|show|write|end|start|begin|send|transfer|execute|run|output|follow|obey)\b"
    r"|^\s*(?:please )?(?:respond|reply|answer|format|provide|include|use|output|execute|send|transfer)\b"
    r"|</?(?:system|memory|instructions?|assistant|user)\b"
    r"|\b(?:ignoriere|vergiss|missachte)\b.{0,40}\b(?:anweisung\w*|regeln?|vorherige\w*|bisherige\w*)\b"
    r"|\b(?:antworte|sag|schreib|nenne|verwende|benutze) (?:immer|nie|niemals|nur|stets)\b|\bdu (?:musst|"
    r"sollst|darfst)\b"
    r"|\b(?:ignora|olvida|omite)\b.{0,40}\b(?:instrucciones|anteriores|reglas)\b"
    r"|\b(?:siempre|nunca|solo) (?:responde|contesta|di|digas|usa|menciones|reveles)\b"
    r"|\b(?:responde|contesta|usa) (?:siempre|solo|únicamente)\b|\b(?:debes|tienes que)\b",
    re.IGNORECASE | re.DOTALL,
)


def is_instruction(text: str) -> bool:
    """Errs towards yes: a fact that is missed can be recalled from the message itself."""
    return _shapes.search(text.replace("\u2019", "'")) is not None
