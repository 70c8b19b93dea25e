"""What a session used, in few words; what is not known shows as `–`, never as 0."""

from __future__ import annotations

from decimal import Decimal

from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.widgets.lines import Run

FULL = 0.8
"""The share of the context from which it is shown as a warning."""


def meter_runs(usage: Usage, context_tokens: int | None, context_window: int | None) -> list[Run]:
    """Return the words: context filled, tokens in, tokens out, cost."""
    share = context_tokens / context_window if context_tokens is not None and context_window else None
    context = "–" if share is None else f"{share:.0%}"
    runs: list[Run] = [(f"{context} context", "warn" if share is not None and share >= FULL else "")]
    runs.append((f" · {tokens(usage.input_tokens)} in · {tokens(usage.output_tokens)} out · {spent(usage)}", ""))
    return runs


def spent(usage: Usage) -> str:
    """Return what a usage cost, for people."""
    return cost(usage.cost, usage.unpriced)


def tokens(count: int | None) -> str:
    """Return a number of tokens for people."""
    if count is None:
        return "–"
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 999_950 else f"{count / 1_000_000:.1f}M"


def cost(dollars: Decimal | None, unpriced: int = 0) -> str:
    """Return dollars for people, small sums exactly enough to compare; `≥` where the price of some replies is unknown.

    Of what has no price, nothing but that is known.
    """
    if dollars is None or (unpriced and not dollars):
        return "–"
    least = "≥" if unpriced else ""
    return least + _dollars(dollars)


def _dollars(dollars: Decimal) -> str:
    return f"${dollars:.3f}" if 0 < dollars < Decimal("0.1") else f"${dollars:.2f}"
