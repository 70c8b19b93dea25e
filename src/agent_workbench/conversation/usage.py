"""What a reply used and what it cost. Unknown stays unknown: `None`, never 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply or a sum of several; `None` is unknown and stays so in a sum.

    `input_tokens` includes what was read from and written to a cache. `cost` is in US dollars, of the replies whose
    price is known; `unpriced` counts the others, so that a sum can say that it is not all.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None
    unpriced: int = 0

    @property
    def of_reply(self) -> Usage:
        """What a whole reply used: without a cost it is one that nobody knows the price of."""
        return replace(self, unpriced=1) if self.cost is None and not self.unpriced else self

    def __add__(self, other: Usage) -> Usage:
        """Add two usages; a count that is unknown on one side keeps the known side's."""
        return Usage(
            _plus(self.input_tokens, other.input_tokens),
            _plus(self.output_tokens, other.output_tokens),
            _plus(self.cache_read_tokens, other.cache_read_tokens),
            _plus(self.cache_write_tokens, other.cache_write_tokens),
            _plus(self.reasoning_tokens, other.reasoning_tokens),
            _plus(self.cost, other.cost),
            self.unpriced + other.unpriced,
        )

    def __sub__(self, other: Usage) -> Usage:
        """Return what is left of a usage without a part of it; what is unknown, or nothing, is unknown."""
        return Usage(
            _minus(self.input_tokens, other.input_tokens),
            _minus(self.output_tokens, other.output_tokens),
            _minus(self.cache_read_tokens, other.cache_read_tokens),
            _minus(self.cache_write_tokens, other.cache_write_tokens),
            _minus(self.reasoning_tokens, other.reasoning_tokens),
            _minus(self.cost, other.cost),
            max(0, self.unpriced - other.unpriced),
        )


N = TypeVar("N", int, Decimal)


def _minus(a: N | None, b: N | None) -> N | None:
    if a is None or b is None:
        return a
    return a - b or None


def _plus(a: N | None, b: N | None) -> N | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
