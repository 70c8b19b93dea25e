"""An edit of a text as a value: shown as a diff, applied, undone."""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `old` at `start` by `new`; offsets are code points of the text that it was made for.

    Everything outside `[start, start + len(old))` stays as it is.
    """

    start: int
    old: str
    new: str
    summary: str = ""

    @property
    def end(self) -> int:
        """The offset behind what is replaced."""
        return self.start + len(self.old)

    @property
    def is_noop(self) -> bool:
        """Whether nothing changes."""
        return self.old == self.new

    def apply(self, text: str) -> str:
        """Return the text with the edit made.

        Raises:
            ValueError: If the text is not the one that the edit was made for.
        """
        if text[self.start : self.end] != self.old:
            raise ValueError("the text changed since the edit was made")
        return text[: self.start] + self.new + text[self.end :]

    def inverse(self) -> Edit:
        """Return the edit that undoes this one."""
        return Edit(self.start, self.new, self.old, f"undo {self.summary}" if self.summary else "undo")


def between(old: str, new: str, summary: str) -> Edit:
    """Return the smallest edit that makes one text another."""
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    tail = 0
    while tail < min(len(old), len(new)) - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Edit(start, old[start : len(old) - tail], new[start : len(new) - tail], summary)


def unified_diff(old: str, new: str, *, name: str = "config", context: int = 3) -> str:
    """Return a unified diff, empty where nothing changed. Line ends are kept out of it."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{name} (before)", f"{name} (after)", n=context, lineterm=""
    )
    return "\n".join(lines)
