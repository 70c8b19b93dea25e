"""What is asked of the workbench by name: start, split, close, rename, delete, choose, quit."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.commands import NEEDS
from agent_workbench.frontends.tui.config_work import has_errors
from agent_workbench.frontends.tui.missing_keys import wanted
from agent_workbench.frontends.tui.screens.pick import Pick, options
from agent_workbench.frontends.tui.screens.theme_picker import ThemePicker
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.history import LISTED
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.frontends.tui.widgets.tour import Tour
from agent_workbench.services.arrangements import arrangements
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.glimpse import STATE

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen
    from agent_workbench.frontends.tui.themes import Themes

#: Where it is remembered that the tour was seen.
TOUR = "tui.tour"
#: Seconds in which a second ctrl+c quits.
TWICE = 2.0


class Chores:
    """Does one thing after the other. Every method runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared
        self._interrupted = 0.0
        self._quitting = False
        self._remembered: dict[str, Any] = {}

    @property
    def _pane(self) -> SessionPane | None:
        return self._screen.query_one(PaneGrid).active

    # --- begin and end

    async def begin(self, workspace: str = "") -> None:
        """Show a workspace, else what was shown last time; the first time the first sample, ready to be edited."""
        screen = self._screen
        state = await self._shared.remembered.recall(STATE) or {}
        screen.sessions.unread.update(id for id in state.get("unread", ()) if isinstance(id, str))
        screen.query_one(ConfigList).sort = "name" if state.get("sort") == "name" else "updated"
        await screen.refresh_lists()
        listed = [row.id for row in screen.query_one(ConfigList).entries.rows if not row.heading]
        kept = (await arrangements(self._shared)).get(workspace)
        before = kept.config if kept is not None else state.get("config")
        wanted = [id for id in (before,) if id in listed] or await self._first(listed)
        if wanted:
            await screen.configs.open(wanted[0], ask=False)
        if kept is not None:
            await screen.chats.arranging.go_to(workspace, kept)
        else:
            await self._as_before(state)
        if await self._shared.remembered.recall(TOUR) is None:
            screen.query_one(Tour).begin()
        if state.get("colors") != self._colors():
            await self.remember()

    async def _as_before(self, state: Mapping[str, Any]) -> None:
        """Open the panes that were open last time, arranged as they were."""
        screen = self._screen
        for id in state.get("sessions", ()):
            if await self._shared.sessions.get_session(id) is not None:
                await screen.sessions.open(id, beside=True, focus=False)
        await screen.refresh_lists()
        view = state.get("view", "edit")
        screen.parts.restore(state.get("layout"))
        screen.show_view(view if view in ("configs", "sessions", "chat") else "edit")

    async def _first(self, listed: list[str]) -> list[str]:
        """Return the newcomer's config: the sample that runs without a key."""
        for id in listed:
            config = await self._shared.configs.get_config(id)
            if config is not None and config.name == "hello":
                return [id]
        return listed[:1]

    async def remember(self) -> None:
        """Keep what is shown, for the next time; nothing is written where it is what was kept last."""
        state = self._state()
        if state != self._remembered:
            await self._shared.remembered.keep(STATE, state)
            self._remembered = state

    def _state(self) -> dict[str, Any]:
        screen = self._screen
        config = screen.configs.config
        panes = screen.query_one(PaneGrid).panes
        return {
            "config": config.config_id if config else None,
            "sessions": [pane.session_id for pane in panes],
            "unread": sorted(screen.sessions.unread),
            "view": screen.view,
            "layout": screen.parts.state,
            "sort": screen.query_one(ConfigList).sort,
            "colors": self._colors(),
        }

    def _colors(self) -> dict[str, str]:
        """Return the colours that the first look of the next start is painted in."""
        known = self._screen.app.theme_variables
        return {name: known[name] for name in ("background", "foreground", "text-muted", "border-blurred", "primary")}

    async def keep_all(self) -> None:
        """Keep what is written and what is shown, asking nothing."""
        await self._screen.configs.keep_draft()
        await self._screen.sessions.keep_prompts()
        await self.remember()

    async def quit(self) -> None:
        """Ask about what would be lost, keep the rest, and end. While it asks, asking again changes nothing."""
        if self._quitting:
            return
        self._quitting = True
        try:
            await self._quit()
        finally:
            self._quitting = False

    async def _quit(self) -> None:
        screen = self._screen
        if not await screen.configs.may_leave():
            return
        running = screen.sessions.running
        if running:
            rows = options(("quit", "Stop them and quit"), ("stay", "Stay"))
            note = (
                f"{len(running)} turn{'s are' if len(running) > 1 else ' is'} running; what was written so far is kept."
            )
            if await screen.app.push_screen_wait(Pick("Quit", rows, note=note)) != "quit":
                return
        await screen.sessions.keep_prompts()
        await screen.chats.listed.trash.empty()
        await screen.library.trash.empty()
        await self.remember()
        screen.app.exit()

    # --- commands

    async def do(self, what: str) -> None:
        """Do what a command names."""
        match what:
            case "interrupt":
                await self._interrupt()
            case "run":
                await self._run()
            case "new_session":
                await self.new_session()
            case "split":
                await self._split()
            case "close_pane":
                if self._pane is not None:
                    await self._screen.sessions.close(self._pane)
            case "fork":
                if self._pane is not None:
                    await self._screen.sessions.fork(self._pane)
            case "model":
                await self._model()
            case "pin":
                await self._pin()
            case "broadcast":
                grid = self._screen.query_one(PaneGrid)
                grid.broadcast = not grid.broadcast
                self._screen.show_header()
            case "theme":
                await self.theme()
            case "settings":
                await self._screen.settings.show()
            case "quit":
                await self.quit()
            case _:
                raise AssertionError(f"no command does {what!r}")

    async def _interrupt(self) -> None:
        """Stop the turn that has the focus, else clear its prompt, else quit when pressed twice."""
        pane = self._pane
        inside = pane is not None and pane.has_focus_within
        if pane is not None and inside and pane.busy:
            await self._screen.sessions.stop(pane)
        elif pane is not None and inside and pane.prompt.text:
            pane.prompt.draft = ""
        elif monotonic() - self._interrupted < TWICE:
            await self.quit()
        else:
            self._interrupted = monotonic()
            self._screen.tell("Press ^c again to quit.")

    async def _run(self) -> None:
        """Check the config and start a session of it, or show what is wrong."""
        screen = self._screen
        if self._pointed_at():
            await self.new_session()
            return
        problems = await asyncio.to_thread(screen.configs.check, screen.configs.desk.editor.text)
        if has_errors(problems) and not wanted(problems):
            screen.configs.desk.set_problems(problems)
            await screen.show_problems()
        else:
            await self.new_session()

    def _pointed_at(self) -> str:
        """Return the config under the cursor of the list, where a person is there and another one is on the desk."""
        entries, current = self._screen.query_one(ConfigList).entries, self._screen.configs.config
        row = entries.row if entries.has_focus else None
        return row.id if row is not None and (current is None or row.id != current.config_id) else ""

    async def new_session(self, config_id: str = "") -> None:
        """Save what is on the desk, start a session of it in a new pane, and go there; in the list, of its row."""
        screen = self._screen
        current, config_id = screen.configs.config, config_id or self._pointed_at()
        if current is None and not config_id:
            screen.tell(NEEDS["config"])
            return
        if current is not None and config_id in ("", current.config_id) and not await screen.configs.save():
            return
        session = await screen.sessions.start(config_id or (current.config_id if current else ""))
        if session is not None:
            screen.show_view("chat", focus=False)
            await screen.sessions.open(session.session_id, beside=True)

    async def _split(self) -> None:
        """Start a second session of the active pane's config beside it; without a pane, a first one."""
        pane = self._pane
        session = await self._shared.sessions.get_session(pane.session_id) if pane else None
        if pane is None or session is None:
            await self.new_session()
            return
        made = await self._screen.sessions.start(session.config_id)
        if made is not None:
            self._screen.show_view("chat", focus=False)
            await self._screen.sessions.open(made.session_id, beside=True)
            self._screen.query_one(Tour).did("split")

    async def _model(self) -> None:
        pane = self._pane
        if pane is None:
            return
        try:
            models = await self._screen.sessions.models(pane)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
            return
        rows = options(*((name, name) for name in models))
        picked = await self._screen.app.push_screen_wait(
            Pick("Model of this session", rows, search=True, at=pane.model)
        )
        if picked:
            await self._screen.sessions.set(pane, **models[picked])

    async def _pin(self) -> None:
        """Let a session keep to one revision of its config, or follow it again."""
        pane = self._pane
        session = await self._shared.sessions.get_session(pane.session_id) if pane else None
        if session is None:
            return
        revisions = await self._shared.configs.revisions(session.config_id, limit=LISTED)
        rows = options(("follow", "Follow the config: take each saved change"),
                       *((str(one.revision), f"revision {one.revision}  {one.note}") for one in revisions))  # fmt: skip
        at = str(session.pinned_revision or "follow")
        picked = await self._screen.app.push_screen_wait(Pick("Which revision this session runs", rows, at=at))
        if picked is not None:
            follows = picked == "follow"
            pinned = None if follows else int(picked)
            await self._shared.sessions.update_session(session.session_id, pinned_revision=pinned, unpin=follows)
            for one in self._screen.query_one(PaneGrid).showing(session.session_id):
                one.set_title(pinned=pinned or 0)

    async def theme(self) -> None:
        """Let the person choose a theme, and keep it."""
        themes = await self.load_themes()
        picked = await self._screen.app.push_screen_wait(ThemePicker(themes, self._screen.app.theme))
        if picked:
            await self.take_theme(picked)

    async def load_themes(self) -> Themes:
        """Read the themes as their files are now, so that each can be taken."""
        from agent_workbench.frontends.tui.themes import load_themes

        themes = await asyncio.to_thread(load_themes)
        for theme in themes.by_name.values():
            self._screen.app.register_theme(theme)
        return themes

    async def take_theme(self, name: str) -> None:
        """Show everything in a theme that was loaded, and keep it."""
        from agent_workbench.frontends.tui.themes import THEME

        self._screen.app.theme = name
        await self._shared.remembered.keep(THEME, name)

    async def pane_asked(self, event: Any) -> None:
        """Do what a pane asks for around a message: fork after it, edit it and send it again, search what was sent."""
        pane = event.pane
        if not isinstance(pane, SessionPane):
            return
        match event:
            case ChatPane.ForkRequested(message=message):
                await self._screen.sessions.fork(pane, messages=message + 1)
            case ChatPane.EditRequested(message=message, text=text):
                await self._screen.chats.talk.revise(pane, message, text)
            case ChatPane.HistoryRequested():
                await self._screen.chats.talk.earlier(pane)

    async def edit_elsewhere(self, text: str, *, suffix: str = ".yaml") -> str:
        """Return a text as $EDITOR leaves it; the screen is handed over meanwhile. Where it cannot be, say so."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"text{suffix}"
            path.write_bytes(text.encode("utf-8"))
            try:
                with self._screen.app.suspend():
                    trouble = await _run(editor, path)
            except SuspendNotSupported:
                trouble = "This terminal cannot be handed to another program: write here."
            if trouble:
                self._screen.tell(trouble, title="No external editor", severity="warning")
            return path.read_bytes().decode("utf-8", "replace")


async def _run(command: str, path: Path) -> str:
    """Run a program on a file until it ends; return why it could not be run: the screen has to come back."""
    try:
        process = await asyncio.create_subprocess_exec(*shlex.split(command), str(path))
        await process.wait()
    except (OSError, ValueError) as error:
        return f"{command!r} cannot be run: {error}. $VISUAL or $EDITOR names the program."
    return ""
