"""What the palette lists, and what is done with what was chosen in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.commands import BY_ID, command_rows
from agent_workbench.frontends.tui.keys import keys_in_use
from agent_workbench.frontends.tui.screens.palette import Palette
from agent_workbench.frontends.tui.screens.theme_picker import theme_rows
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: Where it is remembered what was done last, and how much of it.
RECENT, KEPT = "tui.recent", 6
#: How many configs and sessions are listed; words that are typed find the others.
LISTED = 200
#: How wide names may be.
NAME = 48


class PaletteWork:
    """Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    async def show(self) -> None:
        """Let the person choose something by name, and do it."""
        rows = list(command_rows(self._screen.there, keys_in_use(self._screen)))
        rows += [*await self._things(), *await self._choices()]
        kept = await self._shared.remembered.recall(RECENT)
        recent = [one for one in kept if isinstance(one, str)] if isinstance(kept, list) else []
        picked = await self._screen.app.push_screen_wait(Palette(rows, recent, _beyond))
        if picked is None:
            return
        if not picked.startswith("find "):
            await self._shared.remembered.keep(RECENT, [picked, *(id for id in recent if id != picked)][:KEPT])
        await self._do(*picked.split(" ", 1))

    async def _things(self) -> Sequence[Row]:
        """Return the configs and sessions, those in the trash left out."""
        screen = self._screen
        configs, _ = await self._shared.configs.list_configs(LISTED)
        sessions, _ = await self._shared.sessions.list_sessions(LISTED, workspace=str(self._shared.workspace))
        rows = [
            _row(f"config {one.config_id}", one.name, "open the config", one.description or "")
            for one in configs
            if one.config_id not in screen.library.trash.ids
        ]
        rows += [
            _row(f"session {one.session_id}", one.title or "new session", "open the session", one.config_name)
            for one in sessions
            if one.session_id not in screen.chats.listed.trash.ids
        ]
        return rows

    async def _choices(self) -> Sequence[Row]:
        """Return the settings and the themes."""
        rows = [
            Row(f"setting {row.id}", [_name(row.left[0][0]), ("change the setting  ", "muted"), row.left[1]], row.right)
            for row in await self._screen.settings.rows()
            if not row.heading
        ]
        themes = theme_rows(await self._screen.chores.load_themes())
        return [*rows, *(_row(f"theme {row.id}", row.left[0][0], "take the theme", row.right[0][0]) for row in themes)]

    async def _do(self, kind: str, what: str) -> None:
        screen = self._screen
        match kind:
            case "command" if what in BY_ID:
                await screen.run_action(BY_ID[what].action)
            case "config":
                await screen.library.asked("open", what)
            case "session":
                await screen.chats.listed.asked("open", what)
            case "setting":
                await screen.settings.change(what)
            case "theme":
                await screen.chores.take_theme(what)
            case "find":
                where, _, words = what.partition(" ")
                screen.show_view("configs" if where == "configs" else "sessions")
                screen.query_one(f"#{where}", Browser).query_one(LineInput).value = words


def _beyond(text: str) -> Sequence[Row]:
    words = clean_line(text, 60)
    places = (("configs", "names and texts"), ("sessions", "titles and what was said"))
    return [
        Row(f"find {where} {words}", [_name(f"Search {where}"), (f"{about}: {words}", "muted")])
        for where, about in places
    ]


def _name(words: str) -> tuple[str, str]:
    return f"{clean_line(words, NAME):<20} ", "strong"


def _row(id: str, name: str, does: str, about: str) -> Row:
    return Row(id, [_name(name), (does, "muted")], [(clean_line(about, 40), "muted")], right_yields=True)
