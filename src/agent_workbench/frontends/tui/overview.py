"""What the lists and the first line show: read from the services, with what the screen knows added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.faulty import Faulty, stops
from agent_workbench.frontends.tui.widgets.browser import more_row
from agent_workbench.frontends.tui.widgets.config_list import ConfigList, config_rows, split_words
from agent_workbench.frontends.tui.widgets.desk import Desk
from agent_workbench.frontends.tui.widgets.lines import Run
from agent_workbench.frontends.tui.widgets.meter import spent
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.problems import ProblemList
from agent_workbench.frontends.tui.widgets.session_list import SessionList, agents_below, session_rows, without
from agent_workbench.services.keys import given, names
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.variables import unset_of
from agent_workbench.storage.records import ConfigMetadata, Hit, Session

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: How many of each are listed; a line says how many more there are, and the filter finds them.
LISTED = 500
#: Seconds between two looks for what other processes wrote.
WATCH_EVERY = 0.5


class Overview:
    """Keeps the lists true."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared
        self._sessions: list[Session] = []
        self._version: int | None = None
        self._configs: list[ConfigMetadata] = []
        self._missing: dict[str, tuple[str, ...]] = {}
        self._looked: object = None
        self.faulty = Faulty(shared)
        self._of_config = 0
        self._asking: set[str] = set()
        self._began = datetime.now(UTC)
        self._said: dict[str, int] = {}
        self.tabs: Mapping[str, str] = {}
        """The names of parts in the first line, where it has them, and which part each brings."""
        self.hits: Mapping[str, Hit] = {}
        """Where the words that the list is filtered by were said, by session."""

    async def read(self) -> None:
        """Read configs and sessions and show them."""
        screen = self._screen
        configs = screen.query_one(ConfigList)
        sessions = screen.query_one(SessionList)
        words, tag = split_words(configs.words)
        found, total = await self._shared.configs.list_configs(LISTED, q=words, tag=tag, sort=configs.sort)
        found = self._configs = [one for one in found if one.config_id not in screen.library.trash.ids]
        listed, sessions_there = await self._shared.sessions.list_sessions(
            LISTED, q=sessions.words, workspace=str(self._shared.workspace)
        )
        self._sessions = without(listed, screen.chats.listed.trash.ids)
        self.hits = await self._shared.sessions.hits(sessions.words, [one.session_id for one in self._sessions])
        current = screen.configs.config.config_id if screen.configs.config else ""
        left = {one.session_id for one in self._sessions}
        trashed = sum(one.config_id == current for one in listed if one.session_id not in left)
        self._of_config = await self._count(current) - trashed if current else 0
        marks = self._marks(current)
        about = screen.has_class("-narrow")
        files = screen.configs.others.files
        rows = list(config_rows(found, marks, current, about=about, missing=self._missing, files=files))
        configs.put([*rows, *more_row(total - LISTED)])
        work = screen.sessions
        panes = {pane.session_id: pane.number for pane in screen.query_one(PaneGrid).panes}
        self._note_unread(panes)
        asking = self._asking = work.asking | {one.session_id for one in self._sessions if one.needs_you}
        sessions.above = agents_below(self._sessions)
        listed_rows = session_rows(
            self._sessions, running=work.running, asking=asking, unread=work.unread, open_in=panes, hits=self.hits,
            words=sessions.words, folded=sessions.folded, width=sessions.size.width, now=datetime.now(UTC),
        )  # fmt: skip
        sessions.put([*listed_rows, *more_row(sessions_there - LISTED)])

    def _note_unread(self, shown: Mapping[str, int]) -> None:
        """Mark what was said in sessions that no pane shows, also by other processes, since they were listed last.

        What an agent says is read in the session that it works for.
        """
        for one in self._sessions:
            id, before = one.session_id, self._said.get(one.session_id)
            grew = one.message_count > (before or 0) and (before is not None or one.created_at > self._began)
            if grew and id not in shown and not one.settings.get("agent"):
                self._screen.sessions.unread.add(id)
            self._said[id] = one.message_count

    @property
    def asking(self) -> list[str]:
        """The sessions that wait for a person, as they are listed; last those that are not."""
        listed = [one.session_id for one in self._sessions if one.session_id in self._asking]
        return [*listed, *sorted(self._asking.difference(listed))]

    async def changed_elsewhere(self) -> bool:
        """Whether another process wrote since this was last asked; asking costs one PRAGMA."""
        before, self._version = self._version, await self._shared.version()
        return before not in (None, self._version)

    async def look_for_problems(self) -> None:
        """Look at some of the listed configs that nobody looked at yet, and mark those with errors."""
        if await self.faulty.look(self._configs):
            await self._screen.refresh_lists()

    async def look_for_keys(self) -> None:
        """Find the variables that the listed configs refer to and nobody has set, where configs or keys changed."""
        stamp = (frozenset((one.config_id, one.revision) for one in self._configs), names() | given())
        if stamp == self._looked:
            return
        self._looked = stamp
        missing = await unset_of(self._shared.configs, [one.config_id for one in self._configs])
        if missing != self._missing:
            self._missing = missing
            await self._screen.refresh_lists()

    def _marks(self, current: str) -> dict[str, str]:
        """Say of each config what is up: a running session, and for the one on the desk more."""
        running = self._screen.sessions.running
        marks = {one.config_id: "problem" for one in self._configs if self.faulty.has(one)}
        marks |= {one.config_id: "running" for one in self._sessions if one.session_id in running}
        if current:
            if stops(self._screen.query_one(ProblemList).problems):
                marks[current] = "problem"
            elif marks.get(current) == "problem":
                del marks[current]
            if self._screen.query_one(Desk).editor.dirty:
                marks[current] = "unsaved"
        return marks

    async def _count(self, config_id: str) -> int:
        _, total = await self._shared.sessions.list_sessions(0, config_id=config_id)
        return total

    def header(self, view: str, *, narrow: bool) -> tuple[list[Run], list[Run]]:
        """Return both ends of the first line."""
        screen = self._screen
        config, grid = screen.configs.config, screen.query_one(PaneGrid)
        pane = grid.active
        right: list[Run] = []
        asking = len(self._asking | screen.sessions.asking)
        if asking:
            right.append((f"? {asking} need{'s' if asking == 1 else ''} you  ", "warn"))
        if grid.broadcast:
            right.append(("→ all panes  ", "warn"))
        if pane is not None:
            right.append((f"{clean_line(pane.mode)}  ", "muted" if pane.mode == "ask" else "warn"))
        right.append((self._cost(), "muted"))
        name = clean_line(config.name, 24) if config else "Agent Workbench"
        if not narrow:
            about = f"{name} · rev {config.revision}" if config else ""
            count = self._of_config if config else 0
            sessions = f" · {counted(count, 'session')}" if count else ""
            return [("◆ ", "state ornament"), ("Agent Workbench", "strong"), (f"   {about}{sessions}", "muted")], right
        number = f" {grid.panes.index(pane) + 1}/{len(grid.panes)}" if pane in grid.panes and pane else ""
        parts = (
            ("F2 configs", "configs"),
            ("F3 sessions", "sessions"),
            (f"F4 chat{number}", "chat"),
            ("F7 edit", "edit"),
        )
        tabs: list[Run] = [("◆ ", "state ornament"), (name, "strong"), ("  ", "")]
        for words, part in parts:
            tabs.append((f"[{words}]", "strong") if part == view else (f" {words} ", "muted"))
        self.tabs = {words: part for (words, _), (_, part) in zip(tabs[-len(parts) :], parts, strict=True)}
        return tabs, right

    def _cost(self) -> str:
        """Return what the shown sessions cost together, empty where nobody knows."""
        used = sum((pane.usage for pane in self._screen.query_one(PaneGrid).panes), Usage())
        return spent(used) if used.cost is not None else ""
