"""Arrangements of panes that a person keeps under a name, who knows them as workspaces: what is open, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from agent_workbench.configs.words import nearest
from agent_workbench.errors import Conflict, NotFound, UsageError
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session

#: Where they are kept, by name. The name of the key is older than that of this module.
KEY = "tui.workspaces"
#: More letters of a name are not kept.
NAME_LENGTH = 60

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Arrangement:
    """What stood on the screen when it was kept."""

    config: str = ""
    """The id of the config on the desk, empty where none was."""
    sessions: tuple[str, ...] = ()
    """The ids of the sessions in the panes, in their order; some may be deleted by now."""
    active: int = 0
    """The place of the active pane, from 0."""
    layout: Mapping[str, Any] = field(default_factory=dict)
    """Sizes and what is hidden, as the front end that kept it writes it."""

    @classmethod
    def of(cls, stored: object) -> Arrangement:
        """Read what is stored; what is no such value is left out."""
        found = stored if isinstance(stored, Mapping) else {}
        sessions, active, layout = found.get("sessions"), found.get("active"), found.get("layout")
        return cls(
            config=str(found.get("config") or ""),
            sessions=tuple(one for one in sessions if isinstance(one, str)) if isinstance(sessions, list) else (),
            active=max(0, active) if isinstance(active, int) else 0,
            layout=layout if isinstance(layout, Mapping) else {"zoom": found.get("zoom") is True},
        )


async def arrangements(bench: SharedContext) -> Mapping[str, Arrangement]:
    """Return all arrangements by name, in the order of the names."""
    return _read(await bench.remembered.recall(KEY))


def arrangement_now(bench: SharedContext, name: str) -> Arrangement:
    """Return the arrangement of a name, for whoever has to know it before an event loop runs.

    Raises:
        NotFound: If there is none.
    """
    return _named(_read(bench.remembered.recall_now(KEY)), name)


async def find_arrangement(bench: SharedContext, name: str) -> Arrangement:
    """Return the arrangement of a name.

    Raises:
        NotFound: If there is none.
    """
    return _named(await arrangements(bench), name)


async def sessions_of(bench: SharedContext, kept: Arrangement) -> list[Session]:
    """Return the sessions of an arrangement that are still there, in their order."""
    found = [await bench.sessions.get_session(id) for id in kept.sessions]
    return [one for one in found if one is not None]


async def keep_arrangement(bench: SharedContext, name: str, kept: Arrangement) -> None:
    """Keep an arrangement, in place of one of that name; those that others keep meanwhile stay."""
    await _change(bench, lambda stored: {**stored, name: {**asdict(kept), "sessions": list(kept.sessions)}})


async def rename_arrangement(bench: SharedContext, name: str, new: str) -> None:
    """Give an arrangement another name.

    Raises:
        NotFound: If there is none of that name.
        Conflict: If another has the new one.
        UsageError: If the new one is empty.
    """

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        _named(stored, name)
        if new in stored and new != name:
            raise Conflict(f"there is a workspace {new} already; delete it first, or take another name")
        return {new if one == name else one: state for one, state in stored.items()}

    if not new:
        raise UsageError("a workspace needs a name")
    await _change(bench, change)


async def forget_arrangement(bench: SharedContext, name: str) -> None:
    """Forget an arrangement, where there is one of that name; its sessions stay."""
    await _change(bench, lambda stored: {one: state for one, state in stored.items() if one != name})


def _read(stored: object) -> dict[str, Arrangement]:
    kept = stored if isinstance(stored, dict) else {}
    return {name: Arrangement.of(kept[name]) for name in sorted(kept)}


def _named(kept: Mapping[str, Kept], name: str) -> Kept:
    if name in kept:
        return kept[name]
    near = nearest(name, kept)
    hint = f"did you mean {near}?" if near else "`awb workspace list` names them" if kept else "none is kept yet"
    raise NotFound(f"there is no workspace {name!r}; {hint}")


async def _change(bench: SharedContext, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    await bench.remembered.change(KEY, lambda kept: change(kept if isinstance(kept, dict) else {}))
