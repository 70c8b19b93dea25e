"""Merge two changes of one text, line by line, so that of two editors neither loses anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Clash:
    """A place that both changed, each in another way. `line` counts from 1 in the merged text, at the marker."""

    line: int
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged text. Where both changed the same lines, both versions stand between markers (see `clashes`)."""

    text: str
    clashes: tuple[Clash, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to decide."""
        return not self.clashes


def merge(base: str, ours: str, theirs: str, *, our_name: str = "yours", their_name: str = "theirs") -> Merged:
    """Merge what `ours` and `theirs` each changed in `base`.

    Changes of different lines are both taken, equal changes once. Line ends are kept as they are; a last
    line without one counts as another line than the same words with one.
    """
    lines = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
    out: list[str] = []
    clashes: list[Clash] = []
    for old, our, their in _regions(*lines):
        if our == their or their == old:
            out += our
        elif our == old:
            out += their
        else:
            clashes.append(Clash(len(out) + 1, "".join(our), "".join(their)))
            out += _marked(our, their, our_name, their_name)
    return Merged("".join(out), tuple(clashes))


def _regions(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
) -> list[tuple[list[str], list[str], list[str]]]:
    """Cut the three texts at the lines that all have in common: each region is (base, ours, theirs)."""
    regions = []
    at = (0, 0, 0)
    for start, in_ours, in_theirs, length in _common(base, ours, theirs):
        regions.append((list(base[at[0] : start]), list(ours[at[1] : in_ours]), list(theirs[at[2] : in_theirs])))
        same = list(base[start : start + length])
        regions.append((same, same, same))
        at = (start + length, in_ours + length, in_theirs + length)
    return regions


def _common(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Return the runs that stand in all three, as (base, ours, theirs, length); an empty one at the end closes."""
    one = _matches(base, ours)
    two = _matches(base, theirs)
    runs: list[tuple[int, int, int, int]] = []
    i = j = 0
    while i < len(one) and j < len(two):
        (a, in_ours, n), (b, in_theirs, m) = one[i], two[j]
        start, end = max(a, b), min(a + n, b + m)
        if start < end:
            runs.append((start, in_ours + start - a, in_theirs + start - b, end - start))
        if a + n < b + m:
            i += 1
        else:
            j += 1
    return [*runs, (len(base), len(ours), len(theirs), 0)]


def _matches(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int]]:
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return [(block.a, block.b, block.size) for block in blocks if block.size]


def _marked(ours: list[str], theirs: list[str], our_name: str, their_name: str) -> list[str]:
    return [f"<<<<<<< {our_name}\n", *_ended(ours), "=======\n", *_ended(theirs), f">>>>>>> {their_name}\n"]


def _ended(lines: list[str]) -> list[str]:
    if lines and not lines[-1].endswith("\n"):
        return [*lines[:-1], lines[-1] + "\n"]
    return lines
