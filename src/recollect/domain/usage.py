"""What an exchange takes: tokens, and what the provider charges for them. Money is whole nano-dollars."""

from __future__ import annotations

from dataclasses import dataclass

NANO_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; ``is_estimated`` where it gave no numbers.

    As OpenAI counts: ``input_tokens`` hold those that were read from the provider's cache, or written to it.
    ``reported_nano_usd``: what the provider says that it charges.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reported_nano_usd: int | None = None
    is_estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Cost:
    """What one exchange took. ``nano_usd`` is None where nobody knows the model's price; ``provider`` is "" for a URL
    that is no provider's that we know."""

    provider: str
    model: str
    usage: Usage
    nano_usd: int | None

    @property
    def usd(self) -> float | None:
        """The money in dollars."""
        return None if self.nano_usd is None else self.nano_usd / NANO_PER_USD
