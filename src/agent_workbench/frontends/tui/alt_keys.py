"""Alt with a letter or digit, as most terminals send it: ESC and the character.

Textual 8.2 reads ESC 1 as `¡`, which option+1 writes on one Mac layout: in a terminal without the kitty protocol our
alt+1…9 would never arrive. The characters themselves (`¡`, `£`, `§`, …) still do. ESC b and ESC f stay what Textual
makes of them, ctrl+left and ctrl+right: many terminals send them for option with an arrow, so no command takes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import BindingType

from agent_workbench.frontends.tui.commands import bindings


def hear_alt_keys() -> None:
    """Let every alt key that is bound arrive as what it is."""
    for name in _alt_names(bindings()):
        ANSI_SEQUENCES_KEYS.pop(f"\x1b{name}", None)  # type: ignore[attr-defined]


def _alt_names(wanted: Iterable[BindingType]) -> list[str]:
    keys = [key for one in wanted for key in (one[0] if isinstance(one, tuple) else one.key).split(",")]
    return [key.removeprefix("alt+") for key in keys if key.startswith("alt+") and len(key) == 5]
