"""Alt with a letter or digit, as most terminals send it: ESC and the character.

Textual 8.2 reads ESC 1 as `¡`, which option+1 writes on one Mac layout: in a terminal without the kitty protocol our
alt+1…9 would never arrive. The characters themselves (`¡`, `£`, `§`, …) still do. ESC b and ESC f stay what Textual
makes of them, ctrl+left and ctrl+right: many terminals send them for option with an arrow, so no command takes them.
ESC and a carriage return is alt+enter, of which Textual makes enter alone: what was to be a new line would be sent.
"""

from __future__ import annotations

from enum import Enum
from string import ascii_lowercase, digits

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

#: What Textual looks up for a sequence: a tuple of members with the names of keys.
_ALT = Enum(  # type: ignore[misc]
    "_ALT", {name: f"alt+{name}" for name in ascii_lowercase + digits if name not in "bf"} | {"\r": "alt+enter"}
)


def hear_alt_keys() -> None:
    """Let every alt key arrive as what it is, at once, also those that only a person's own keymap binds."""
    for key in _ALT:
        ANSI_SEQUENCES_KEYS[f"\x1b{key.name}"] = (key,)  # type: ignore[index]
