"""What a person typed, as a safe full-text query.

The index holds trigrams, so a word needs three characters to be looked up; shorter ones (two Chinese characters are a
common word) are compared with what the longer ones found, or alone with the newest rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent_workbench.conversation.codec import clean_text

MAX_QUERY = 1000
"""Longer queries are cut: nobody types them."""
MAX_WORDS = 16
NEWEST = 10_000
"""How many of the newest messages a query of short words reads, and how many of those that match a list of sessions
goes through: a word that is everywhere would cost 150 ms among 100,000 messages."""


@dataclass(frozen=True, slots=True)
class Query:
    """All words must occur, anywhere, in any case. `match` is for `MATCH`, `short` are patterns for `LIKE`."""

    words: tuple[str, ...] = ()
    match: str = ""
    short: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.words


def parse(text: str) -> Query:
    """Return the query of what a person typed; no input is an error and none is an operator."""
    words = clean_text(text[:MAX_QUERY]).replace("\ufffd", " ").split()[:MAX_WORDS]
    long = ['"' + word.replace('"', '""') + '"' for word in words if len(word) >= 3]
    return Query(tuple(words), " AND ".join(long), tuple(like(word) for word in words if len(word) < 3))


def like(word: str) -> str:
    """Return the pattern of a word anywhere, for `LIKE … ESCAPE '~'`."""
    return "%" + word.replace("~", "~~").replace("%", "~%").replace("_", "~_") + "%"


BEFORE, AROUND = 30, 160
"""Characters of an excerpt before what was found, and altogether."""


def places(text: str, words: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return where words stand in a text, whatever their case: (start, end) in order, none inside another."""
    wanted = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return [match.span() for match in re.finditer(wanted, text, re.IGNORECASE)] if wanted else []


def excerpt(text: str, query: Query) -> str:
    """Return the words around what a query finds in a text, on one line, `…` where something is left out.

    All words together come first, else the longest of them. A text that holds none gives its beginning.
    """
    line = " ".join(text.split())
    tried = (" ".join(query.words), *sorted(query.words, key=len, reverse=True))
    start = next((found[0][0] for words in tried if (found := places(line, (words,)))), 0)
    begin = max(0, start - BEFORE)
    if begin:
        begin = line.find(" ", begin, start) + 1 or begin  # whole words
    end = begin + AROUND
    return ("…" if begin else "") + line[begin:end].strip() + ("…" if end < len(line) else "")
