"""Looking for words in a text: as they are, or between slashes as a regular expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import factorial

#: How many steps a search may take at worst: well below a second. Python's `re` cannot be interrupted.
MOST_STEPS = 50_000_000
_ESCAPED = re.compile(r"\\.|\[[^\]]*\]", re.DOTALL)
_REPEATS = re.compile(r"[*+{]")


class NoPattern(ValueError):
    """What stands between the slashes is no regular expression, or one that could take forever."""


def is_pattern(words: str) -> bool:
    """Whether words stand between slashes."""
    return len(words) > 2 and words[0] == words[-1] == "/"


def matches(text: str, words: str) -> list[tuple[int, int]]:
    """Return where the words stand in a text, as (start, end); upper case in them makes case count.

    Words between slashes (`/time(out)?/`) are a regular expression, which is looked for in each line; an empty match
    is none.

    Raises:
        NoPattern: If they are none, or could take too long in this text.
    """
    if not words:
        return []
    if not is_pattern(words):
        flags = 0 if any(letter.isupper() for letter in words) else re.IGNORECASE
        return [match.span() for match in re.finditer(re.escape(words), text, flags)]
    pattern, found, at = _pattern_of(words), list[tuple[int, int]](), 0
    lines = text.splitlines(keepends=True)
    _refuse_slow(words[1:-1], lines)
    for line in lines:
        spans = (match.span() for match in pattern.finditer(line.rstrip("\r\n")))
        found += ((at + start, at + end) for start, end in spans if end > start)
        at += len(line)
    return found


def replacement(text: str, words: str, span: tuple[int, int], by: str) -> str:
    r"""Return what comes in the place of a match; of a regular expression `\1` is what its first group found.

    Raises:
        NoPattern: If `by` names a group that there is not.
    """
    if not is_pattern(words):
        return by
    start = max(text.rfind("\n", 0, span[0]), text.rfind("\r", 0, span[0])) + 1
    line = text[start:].splitlines()[0]
    found = next((one for one in _pattern_of(words).finditer(line) if start + one.start() == span[0]), None)
    try:
        return found.expand(by) if found is not None else by
    except (re.error, IndexError) as error:
        raise NoPattern(str(error)) from error


def _pattern_of(words: str) -> re.Pattern[str]:
    shouted = re.sub(r"\\.", "", words)
    flags = 0 if any(letter.isupper() for letter in shouted) else re.IGNORECASE
    try:
        return re.compile(words[1:-1], flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise NoPattern(str(error)) from error


def _refuse_slow(written: str, lines: Sequence[str]) -> None:
    """Refuse what may try a line in more ways than there is time for: its length to the power of what repeats."""
    bare = _ESCAPED.sub("x", written)
    if re.search(r"\)[*+{]", bare):
        raise NoPattern("a group that repeats may take forever")
    power = 1 + len(_REPEATS.findall(bare)) + bare.count("?") // 8
    if sum(len(line) ** power for line in lines) // factorial(power) > MOST_STEPS:
        raise NoPattern("too slow for lines this long: repeat less in it")


def next_match(spans: list[tuple[int, int]], offset: int, step: int) -> int:
    """Return the index of the match after (or before) an offset, round and round; -1 where there is none."""
    order = range(len(spans)) if step > 0 else range(len(spans) - 1, -1, -1)
    ahead = (index for index in order if (spans[index][0] >= offset if step > 0 else spans[index][1] <= offset))
    return next(ahead, next(iter(order), -1))
