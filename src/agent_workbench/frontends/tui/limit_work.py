"""What a session may use and how much its model thinks, asked for and changed on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.screens.pick import Name, Pick, explained
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services.settings import EFFORTS
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: The limits of a turn by the words that stand for them, and what each counts.
LIMITS = {
    "steps": ("max_steps", "requests to the model"),
    "tokens": ("max_tokens", "tokens in and out"),
    "cost": ("max_cost", "US dollars"),
    "seconds": ("max_seconds", "seconds"),
}
AS_CONFIGURED = "as the config says"


class LimitWork:
    """Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    async def limits(self, pane: SessionPane, words: str) -> None:
        """Change a limit: `steps 20`, or what is picked and written; nothing or 0 goes back to the config's."""
        name, _, value = words.partition(" ")
        if name not in LIMITS:
            picked = await self._screen.app.push_screen_wait(
                Pick("What one turn of this session may use", await self._rows(pane))
            )
            if picked is None:
                return
            name, value = picked, ""
        setting, counts = LIMITS[name]
        given: str | None = value.strip()
        if not given:
            note = f"How many {counts}; nothing is {AS_CONFIGURED}. It holds from the next step on."
            given = await self._screen.app.push_screen_wait(
                Name(f"At most, in {name}" if name != "cost" else "At most, in dollars", note=note, empty=True)
            )
        if given is not None:
            await self._set_limit(pane, setting, given)

    async def effort(self, pane: SessionPane, words: str) -> None:
        """Change how much the model thinks: one of the known words, or what is picked."""
        picked: str | None = words
        if words not in EFFORTS:
            rows = explained((AS_CONFIGURED, AS_CONFIGURED, ""), *((one, one, "") for one in EFFORTS))
            picked = await self._screen.app.push_screen_wait(Pick("How much the model thinks", rows))
        if picked:
            await self._screen.sessions.set(pane, effort="" if picked == AS_CONFIGURED else picked)

    # --- inside

    async def _rows(self, pane: SessionPane) -> list[Row]:
        try:
            now = (await self._shared.sessions.effective(pane.session_id)).limits
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
            return []
        held = {name: getattr(now, setting) for name, (setting, _) in LIMITS.items()}
        return explained(
            *(
                (name, name, f"{'no limit' if held[name] is None else f'{held[name]:,}'} ({LIMITS[name][1]})")
                for name in LIMITS
            )
        )

    async def _set_limit(self, pane: SessionPane, setting: str, given: str) -> None:
        words = given.replace(",", "").removeprefix("$") or "0"
        try:
            number = int(words) if setting in ("max_steps", "max_tokens") else float(words)
        except ValueError:
            self._screen.tell(f"{given!r} is no such number; nothing was changed.", severity="warning")
            return
        await self._screen.sessions.set(pane, **{setting: number})
