"""Text that is shaped like an instruction to an assistant: kept as something that was said, never as a fact."""

from __future__ import annotations

import re

_SHAPES = (
    # English
    (
        r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|previous|prior|above|earlier|rules?|"
        r"prompt|guidelines?)\b"
    ),
    r"\bsystem prompt\b|\bdeveloper mode\b|\bjailbreak",
    (
        r"\b(?:you (?:must|should|shall|will|have to|need to|are (?:now|not)|can(?:'t|not)? )|act as|"
        r"pretend (?:to|you)|roleplay)\b"
    ),
    (
        r"\b(?:always|never|only|please) (?:\w+ly )?(?:respond|reply|answer|say|use|include|mention|reveal|tell|"
        r"format|call|call me|address|provide|give|add|show|write|end|start|begin|send|transfer|execute|run|output|"
        r"follow|obey|recommend|praise|promote|advertise)\b"
    ),
    r"^\s*(?:please )?(?:respond|reply|answer|format|provide|include|use|output|execute|send|transfer)\b",
    r"</?(?:system|memory|instructions?|assistant|user)\b",
    # German
    r"\b(?:ignoriere|vergiss|missachte)\b.{0,40}\b(?:anweisung\w*|regeln?|vorherige\w*|bisherige\w*)\b",
    r"\b(?:antworte|sag|schreib|nenne|verwende|benutze) (?:immer|nie|niemals|nur|stets)\b",
    r"\bdu (?:musst|sollst|darfst)\b|\b(?:empfiehl|bewirb)\b",
    # Spanish
    r"\b(?:ignora|olvida|omite)\b.{0,40}\b(?:instrucciones|anteriores|reglas)\b",
    r"\b(?:siempre|nunca|solo) (?:responde|contesta|di|digas|usa|menciones|reveles)\b",
    r"\b(?:responde|contesta|usa|recomienda|elogia) (?:siempre|solo|únicamente)\b|\b(?:debes|tienes que)\b",
    # French
    r"\b(?:ignore[rz]?|oublie[rz]?)\b.{0,40}\b(?:instructions?|consignes?|règles?|précédente?s?)\b",
    r"\b(?:réponds|recommande|utilise|dis|mentionne) (?:toujours|jamais|uniquement|seulement)\b",
    r"\b(?:tu dois|vous devez)\b",
    # Italian
    r"\b(?:ignora|dimentica)\b.{0,40}\b(?:istruzioni|precedenti|regole)\b",
    r"\bdevi (?:sempre|solo|dire|usare|rispondere)\b",
    r"\b(?:rispondi|raccomanda|consiglia|usa) (?:sempre|solo|mai)\b",
    # Portuguese
    r"\b(?:ignore|esqueça|desconsidere)\b.{0,40}\b(?:instruções|anteriores|regras)\b|\b(?:você deve|tu deves)\b",
    r"\b(?:responda|recomende|use) (?:sempre|apenas|só)\b",
    # Dutch
    r"\b(?:negeer|vergeet)\b.{0,40}\b(?:instructies|vorige|regels)\b|\bje moet\b",
    # Russian
    r"\b(?:игнорируй|забудь|проигнорируй)\w*\b.{0,40}(?:инструкци|предыдущ|правил)|\bты должн[аы]?\b|\bты должен\b",
    r"\b(?:всегда|никогда не|только) (?:отвечай|говори|рекомендуй|используй|упоминай)",
    # Chinese, Japanese, Korean
    r"(?:忽略|无视|忘记|忽視|無視).{0,20}(?:指令|指示|规则|規則|提示)|(?:你|您)(?:必须|必須|应该|應該|不得|只能)",
    r"(?:指示|命令|ルール).{0,20}無視|(?:必ず|常に|いつも|決して).{0,20}(?:て|で)ください",
    r"(?:지시|명령|규칙).{0,20}(?:무시|잊)|(?:항상|반드시|절대).{0,20}(?:하세요|해라|하라|해줘)",
)
_shapes = re.compile("|".join(_SHAPES), re.IGNORECASE | re.DOTALL)


def is_instruction(text: str) -> bool:
    """Errs towards yes: a fact that is missed can be recalled from the message itself."""
    return _shapes.search(text.replace("\u2019", "'")) is not None
