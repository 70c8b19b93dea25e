"""How well a row fits what is typed: words before letters, the name before what is said about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent_workbench.frontends.tui.widgets.row_list import Row

#: What is searched of a name by single letters; longer texts would fit anything.
SHORT = 48


def fitting(rows: Iterable[Row], text: str, recent: Sequence[str] = ()) -> list[Row]:
    """Return the rows that fit what is typed, the best first; among equals those of `recent` ids, then as they came."""
    words = text.lower().split()
    if not words:
        return list(rows)
    order = {id: number for number, id in enumerate(recent)}
    found = [(rank, order.get(row.id, len(order)), row) for row in rows if (rank := _rank(row, words)) is not None]
    return [row for *_, row in sorted(found, key=lambda one: one[:2])]


def _rank(row: Row, words: Sequence[str]) -> int | None:
    """Return how far a row is from what was typed, None where it does not fit.

    0: its name begins so. 1: each word begins a word of the name. 2: the letters are those that the words of the name
    begin with. 3: the name holds the words. 4: the row does. 5: the name holds the letters in their order.
    """
    name = row.left[0][0].strip().lower() if row.left else ""
    parts = name.split()
    if name.startswith(" ".join(words)):
        return 0
    if all(any(part.startswith(word) for part in parts) for word in words):
        return 1
    letters = "".join(words)
    if len(letters) > 1 and "".join(part[0] for part in parts).startswith(letters):
        return 2
    if all(word in name for word in words):
        return 3
    whole = "".join(text for text, _ in (*row.left, *row.right)).lower()
    if all(word in whole for word in words):
        return 4
    return 5 if len(letters) > 2 and _holds(name[:SHORT], letters) else None


def _holds(name: str, letters: str) -> bool:
    left = iter(name)
    return all(letter in left for letter in letters)
