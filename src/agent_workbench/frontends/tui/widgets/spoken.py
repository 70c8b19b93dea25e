"""Words in place of signs, for those who hear the screen.

A run whose role holds `sign`, `ornament` or `here` is drawn, not written: everything else is somebody's text and stays
as it is, whatever characters it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from textual.widget import Widget

from agent_workbench.frontends.tui.widgets.lines import Line, Run

#: What a sign says; where its role makes a difference, behind that. One that is not named here says what it looks like.
WORDS: Mapping[str, str] = {
    "●": "running", "*": "unsaved", "!": "warning:", "bad !": "error:", "✗": "error:", "✓": "done",
    "▸": "folded", "▾": "open", "☑": "done:", "◐": "in work:", "☐": "to do:", "└": "child:", "⑂": "forks: ",
    "▎": ">", "•": "-", "◦": "-", "▪": "-", "↻": "waiting:",
}  # fmt: skip
#: What stands where a cursor is.
HERE = ">"


def is_heard(widget: Widget) -> bool:
    """Whether the screen that a widget is on is read aloud: then words stand for signs."""
    return widget.app.has_class("-reader")


def spoken(line: Sequence[Run]) -> Line:
    """Return a line with words for its signs, as wide as it was where it holds enough spaces to give."""
    said = [_said(text, role.split()) for text, role in line]
    over = sum(cell_len(words) - cell_len(text) for words, (text, _) in zip(said, line, strict=True))
    for at in sorted(range(len(said)), key=lambda at: -len(said[at])):
        if over > 0 and len(said[at]) > 1 and not said[at].strip(" "):
            given = min(over, len(said[at]) - 1)
            said[at] = said[at][given:]
            over -= given
    if over < 0:
        said.append(" " * -over)
    roles = [role for _, role in line] + [""]
    return [(words, role) for words, role in zip(said, roles, strict=False)]


def _said(text: str, roles: Sequence[str]) -> str:
    if "ornament" in roles:
        return " " * cell_len(text)
    if "here" in roles:
        return "".join(HERE if letter != " " else letter for letter in text)
    if "sign" in roles:
        return "".join(WORDS.get(f"{roles[0]} {letter}", WORDS.get(letter, letter)) for letter in text)
    return text
