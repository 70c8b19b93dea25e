"""What a tool printed, made fit to be stored, shown and sent: valid text, and not too much of it."""

from __future__ import annotations

from agent_workbench.conversation.codec import clean_text

MAX_RESULT = 50_000
"""Characters of one result, about 12,000 tokens; the head and the tail are kept."""


def capped(text: str, limit: int = MAX_RESULT) -> str:
    """Return the text, or its head and tail around a note that says how much is missing."""
    if len(text) <= limit:
        return text
    head = text[: limit * 2 // 3]
    tail = text[len(text) - limit // 3 :]
    missing = len(text) - len(head) - len(tail)
    return f"{head}\n[… {missing:,} characters left out; ask for less at a time …]\n{tail}"


def fit(text: object, limit: int = MAX_RESULT) -> str:
    """Make any answer of a tool valid and short enough."""
    words = text if isinstance(text, str) else str(text)
    return capped(clean_text(words if len(words) <= 4 * limit else capped(words, 2 * limit)), limit)
