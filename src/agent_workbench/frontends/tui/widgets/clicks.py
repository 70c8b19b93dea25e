"""Which clicks mean something."""

from __future__ import annotations

from textual import events


def acts(event: events.Click, *, repeated: bool = False) -> bool:
    """Whether a click does what it is on: the first button, and of a double click the first, unless `repeated`.

    A dialog that the first click closed would hand the second one to whatever is below it.
    """
    return event.button <= 1 and (repeated or event.chain == 1)
