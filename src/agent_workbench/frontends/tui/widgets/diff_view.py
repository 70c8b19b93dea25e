"""A unified diff as lines: the sign says what happened, the colour only repeats it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import pairwise

from agent_workbench.frontends.tui.widgets.lines import Line, Run, fold, width_of

_ROLES = {"+": "added", "-": "removed"}


def unified(old: str, new: str, name: str = "") -> str:
    """Return the change as a unified diff with three lines of context; empty when nothing changed."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def counts(diff: str) -> tuple[int, int]:
    """Return how many lines a diff adds and removes."""
    changes = _without_names(diff.splitlines())
    return sum(line.startswith("+") for line in changes), sum(line.startswith("-") for line in changes)


def diff_lines(diff: str, width: int, prefix: Sequence[Run] = ()) -> list[Line]:
    """Lay a cleaned unified diff out, each line folded at the width under its sign.

    The names of the files are left out: whoever shows a diff says what it changes.
    """
    lines: list[Line] = []
    for text in _without_names(diff.rstrip("\n").split("\n")):
        if text.startswith(("@@", "\\")):
            lines += fold([(text, "muted")], width, prefix)
            continue
        sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-", " ") else (" ", text)
        role = _ROLES.get(sign, "")
        folded = fold([(rest, role)], width, [*prefix, (f"{sign} ", role)])
        lines += [[*line, (" " * max(0, width - width_of(line)), role)] for line in folded] if role else folded
    return lines


def _without_names(lines: list[str]) -> list[str]:
    """Drop the pairs of `---` and `+++`; a removed line that reads `-- x` is no such pair."""
    heads = {
        number
        for number, (line, after) in enumerate(pairwise(lines))
        if line.startswith("--- ")
        and after.startswith("+++ ")
        and (number == 0 or lines[number - 1][:1] not in ("+", "-", " "))
    }
    return [line for number, line in enumerate(lines) if number not in heads and number - 1 not in heads]
