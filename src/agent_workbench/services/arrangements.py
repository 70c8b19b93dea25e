"""Arrangements of panes that a person keeps under a name: which sessions are open, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent_workbench.services.shared import SharedContext

#: Where they are kept, by name. The name of the key is older than that of this module.
KEY = "tui.workspaces"


async def arrangements(bench: SharedContext) -> Mapping[str, Any]:
    """Return all arrangements by name."""
    found = await bench.remembered.recall(KEY, {})
    return found if isinstance(found, dict) else {}


async def keep_arrangement(bench: SharedContext, name: str, state: Mapping[str, Any]) -> None:
    """Keep an arrangement, in place of one of that name; those that others keep meanwhile stay."""
    await _change(bench, lambda kept: {**kept, name: dict(state)})


async def forget_arrangement(bench: SharedContext, name: str) -> None:
    """Forget an arrangement, where there is one of that name."""
    await _change(bench, lambda kept: {one: state for one, state in kept.items() if one != name})


async def _change(bench: SharedContext, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    await bench.remembered.change(KEY, lambda kept: change(kept if isinstance(kept, dict) else {}))
