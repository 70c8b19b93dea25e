"""Two texts side by side: the old one at the left, the new one at the right, only what changed and a little around."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from agent_workbench.configs.secrets import veiled
from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.lines import Line, Run, fit, pad, width_of

#: Unchanged lines shown around a change.
AROUND = 3
#: Under this many cells two columns cannot be read.
LEAST = 72


def column_lines(old: str, new: str, width: int) -> list[Line]:
    """Return both texts in two columns of a width in cells; empty where nothing differs.

    A sign stands before each changed line, so that it is seen without colour. Between far changes stands a `⋯`. Secrets
    are dots.
    """
    before, after = old.splitlines(), new.splitlines()
    digits = len(str(max(len(before), len(after), 1)))
    half = max(digits + 6, (width - 3) // 2)
    lines: list[Line] = []
    groups = list(difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(AROUND))
    for number, group in enumerate(groups):
        if number:
            lines.append([("⋯", "muted")])
        for tag, a, b, c, d in group:
            for step in range(max(b - a, d - c)):
                left = _side(before, a + step, b, "-" if tag != "equal" else " ", digits, half)
                right = _side(after, c + step, d, "+" if tag != "equal" else " ", digits, half)
                lines.append([*left, (" │ ", "muted ornament"), *right])
    if not lines and old != new:
        lines.append([("only line ends change", "muted")])
    return lines


def _side(texts: Sequence[str], index: int, end: int, sign: str, digits: int, width: int) -> list[Run]:
    """Return one line of one column, empty behind its end."""
    if index >= end:
        return [(" " * width, "")]
    role = {"+": "added", "-": "removed"}.get(sign, "")
    number = (f"{sign}{index + 1:>{digits}} ", f"muted {role}".strip())
    words = fit([(clean(veiled(texts[index])).expandtabs(4), role)], width - digits - 2)
    line = pad([number, *words], width)
    return [(text, one or role) for text, one in line] if width_of(line) else line
