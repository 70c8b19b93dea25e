"""When Python looks for garbage: with four long conversations open, each look at everything took 70 ms."""

from __future__ import annotations

import gc

#: New objects before Python looks at them; with its own 700, every other theme switch ended in a look at everything.
OBJECTS = 10_000


def look_seldom() -> None:
    """Make the pauses short and rare; once, when the program stands: what is there by then is never looked at again."""
    gc.set_threshold(OBJECTS, 10, 10)
    gc.freeze()
