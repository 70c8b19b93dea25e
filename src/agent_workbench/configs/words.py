"""Words for people: the nearest known one, a value as YAML would write it, a number of things."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from functools import lru_cache

#: A word that means itself in YAML 1.1 and 1.2, in block and flow style.
_PLAIN = re.compile(r"[A-Za-z_./~][A-Za-z0-9_./@#=+~-]*(?::[A-Za-z0-9_./@#=+~-]+)*\Z")
_RESERVED = frozenset(["true", "false", "yes", "no", "on", "off", "null", "y", "n"])


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the known word most like this one, or an empty string. Case does not count."""
    return _nearest(word, tuple(known), cutoff)


@lru_cache(maxsize=1024)  # 0.3 ms each, and the same words are asked about at every key that is typed
def _nearest(word: str, known: tuple[str, ...], cutoff: float) -> str:
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else ""


def quoted(word: str, *, like: str) -> str:
    """Return a word as a YAML value, with the quotes of the value that it stands in for, or those it needs."""
    if like[:1] == "'" and "\n" not in word:
        return "'" + word.replace("'", "''") + "'"
    if like[:1] != '"' and _PLAIN.match(word) and word.lower() not in _RESERVED and word != "~":
        return word
    return json.dumps(word, ensure_ascii=False)


def counted(number: int, noun: str) -> str:
    """Return `1 session`, `2 sessions`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
