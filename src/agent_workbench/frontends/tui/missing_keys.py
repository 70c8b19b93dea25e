"""Asking for the keys that are all that keeps a config from running."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent_workbench.configs.problems import Problem, errors
from agent_workbench.frontends.tui.screens.pick import Name
from agent_workbench.services.keys import give

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

NOTE = (
    "Paste it and press enter; it is never shown. It goes into your system's keyring, else it is kept until you quit, "
    "and never into the config, which names it as ${%s}."
)


def wanted(problems: Sequence[Problem]) -> tuple[str, ...]:
    """Return the variables that somebody has to set; none where anything else is wrong, too."""
    stops = errors(problems)
    return tuple(dict.fromkeys(one.variable for one in stops)) if all(one.variable for one in stops) else ()


async def ask_keys(screen: MainScreen, names: Sequence[str]) -> bool:
    """Ask for a value of each name, and keep them; whether all were given."""
    for name in names:
        value = await screen.app.push_screen_wait(Name(name, note=NOTE % name, secret=True))
        if not value:
            return False
        kept = await asyncio.to_thread(give, name, value)
        if kept.source == "keyring":
            screen.tell(f"Kept {name} in your system's keyring.")
        else:
            screen.tell(f"{name} is known until you quit, {kept.reason}: export {name}=… before the next start.")
    screen.configs.desk.editor.check_now()
    await screen.overview.look_for_keys()
    return bool(names)
