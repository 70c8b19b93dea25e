"""Workspaces: the open panes kept under a name, brought back, named anew, forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.screens.pick import Name, Pick, explained, options
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services.arrangements import (
    NAME_LENGTH,
    Arrangement,
    arrangements,
    forget_arrangement,
    keep_arrangement,
    rename_arrangement,
    sessions_of,
)
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen


class Arranging:
    """Works on all panes at once. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    @property
    def _grid(self) -> PaneGrid:
        return self._screen.query_one(PaneGrid)

    async def choose(self, name: str = "") -> None:
        """Let the person choose a workspace to go to, or keep the present one under a name.

        With a name: go to the one of that name, or keep what is open under it where there is none.
        """
        kept = await arrangements(self._shared)
        if name:
            await (self.go_to(name, kept[name]) if name in kept else self._keep(clean_line(name, NAME_LENGTH)))
            return
        rows = options(("+", "Keep what is open now, under a name…"))
        rows += explained(*((f"={one}", one, _about(state)) for one, state in kept.items()))
        rows += options(*([("~", "Replace, rename or forget one…")] if kept else []))
        match await self._pick("Workspaces", rows):
            case "+":
                await self._keep_as(kept)
            case "~":
                await self._change(kept)
            case str() as picked:
                await self.go_to(picked[1:], kept[picked[1:]])

    async def _pick(self, title: str, rows: Sequence[Row], *, search: bool = True) -> str | None:
        return await self._screen.app.push_screen_wait(Pick(title, rows, search=search))

    async def _keep_as(self, kept: Mapping[str, Arrangement]) -> None:
        """Ask for a name, and before one that is taken is given to something else."""
        given = await self._screen.app.push_screen_wait(Name("Name of the workspace"))
        name = clean_line(given or "", NAME_LENGTH)
        if name in kept:
            rows = options(
                ("no", "Leave it as it is"), ("yes", f"Keep what is open now in place of its {_about(kept[name])}")
            )
            if await self._pick(f"There is a workspace {name}", rows, search=False) != "yes":
                return
        if name:
            await self._keep(name)

    async def _keep(self, name: str) -> None:
        config, grid = self._screen.configs.config, self._grid
        state = Arrangement(
            config=config.config_id if config else "",
            sessions=tuple(pane.session_id for pane in grid.panes),
            active=grid.panes.index(grid.active) if grid.active is not None else 0,
            layout=self._screen.parts.state,
        )
        await keep_arrangement(self._shared, name, state)
        self._screen.tell(f"Kept as {name}; /workspaces brings it back.")

    async def _change(self, kept: Mapping[str, Arrangement]) -> None:
        """Replace, rename or forget one that the person chooses."""
        name = await self._pick("Which workspace?", explained(*((one, one, _about(kept[one])) for one in kept)))
        if name is None:
            return
        rows = options(("rename", "Rename…"), ("replace", "Keep what is open now in its place"),
                       ("forget", "Forget it; its sessions stay"))  # fmt: skip
        match await self._pick(name, rows, search=False):
            case "rename":
                await self._rename(name)
            case "replace":
                await self._keep(name)
            case "forget":
                await forget_arrangement(self._shared, name)
                self._screen.tell(f"Forgot {name}.")

    async def _rename(self, name: str) -> None:
        given = await self._screen.app.push_screen_wait(Name(f"New name of {name}", name))
        new = clean_line(given or "", NAME_LENGTH)
        if new and new != name:
            try:
                await rename_arrangement(self._shared, name, new)
            except WorkbenchError as error:
                self._screen.tell(str(error), title=error.title, severity="warning")
            else:
                self._screen.tell(f"{name} is {new} now.")

    async def go_to(self, name: str, kept: Arrangement) -> None:
        """Show the panes of a workspace in place of those that are open, whose turns go on; what is gone is told."""
        sessions = await sessions_of(self._shared, kept)
        if kept.sessions and not sessions:
            self._screen.tell(f"All sessions of {name} are deleted; nothing was closed.", severity="warning")
            return
        if kept.config and await self._shared.configs.get_config(kept.config) is None:
            self._screen.tell(f"The config of {name} is deleted.", severity="warning")
        elif kept.config and not await self._put_on_desk(kept.config):
            return
        await self._show(kept, sessions)
        gone = len(kept.sessions) - len(sessions)
        if gone:
            are = "is" if gone == 1 else "are"
            self._screen.tell(
                f"{gone} of the {len(kept.sessions)} sessions of {name} {are} deleted.", severity="warning"
            )

    async def _put_on_desk(self, config_id: str) -> bool:
        """Show a config; False where the person stays with the one there, because of what is not saved."""
        configs = self._screen.configs
        there = configs.config is not None and configs.config.config_id == config_id
        return there or await configs.open(config_id)

    async def _show(self, kept: Arrangement, sessions: Sequence[Session]) -> None:
        work = self._screen.sessions
        for pane in self._grid.panes:
            await work.close(pane)
        for session in sessions:
            await work.open(session.session_id, beside=True, focus=False)
        self._screen.parts.restore(kept.layout)
        wanted = kept.sessions[kept.active : kept.active + 1]
        panes = self._grid.panes
        active = next((pane for pane in panes if pane.session_id in wanted), None) or next(iter(panes), None)
        self._screen.show_view("chat" if panes else "edit", focus=False)
        if active is not None:
            self._grid.activate(active)


def _about(kept: Arrangement) -> str:
    count = len(kept.sessions)
    return counted(count, "pane")
