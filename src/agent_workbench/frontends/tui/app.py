"""The terminal workbench as a Textual application: themes, keys, the main screen, and a clean end.

Nothing here is imported before the first frame that the first frame does not need: see docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from textual import events
from textual.worker import get_current_worker

from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.access import Accessible
from agent_workbench.frontends.tui.alt_keys import hear_alt_keys
from agent_workbench.frontends.tui.choices import Choices
from agent_workbench.frontends.tui.driver import gathering
from agent_workbench.frontends.tui.garbage import look_seldom
from agent_workbench.frontends.tui.key_queue import KeyQueue
from agent_workbench.frontends.tui.restyle import PaintOnceStylesheet
from agent_workbench.frontends.tui.screens.opening import Opening

if TYPE_CHECKING:
    from textual.driver import Driver

    from agent_workbench.configs.problems import Problem
    from agent_workbench.frontends.tui.screens.main import MainScreen
    from agent_workbench.frontends.tui.themes import Themes
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.storage.glimpse import Glimpse

#: Seconds that keeping what is written may take when the terminal is closed.
LAST_SECOND = 1.0


class WorkbenchApp(Accessible):
    """Shows a workbench. Whoever made `shared`, or calls `run` with `opened`, closes it afterwards.

    Without `shared`, `opened` is called in a thread once the first frame is there, which shows `glimpse` meanwhile;
    where it fails, the application ends and `failure` says why. The panes of a `workspace` take the place of those that
    were open last time.
    """

    TITLE = "Agent Workbench"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = []
    NOTIFICATION_TIMEOUT = 4
    # Over the line of keys, from the right: names, states, prompts and status lines stay in sight.
    CSS = """
    ToastRack { dock: bottom; align: right bottom; margin: 0; }
    Toast { width: auto; max-width: 100%; padding: 0 1; margin: 0; }
    Input > .input--placeholder, TextArea > .text-area--placeholder { color: $text-muted; }
    """
    shared: SharedContext
    themes: Themes

    def __init__(
        self,
        shared: SharedContext | None = None,
        *,
        opened: Callable[[], SharedContext] | None = None,
        glimpse: Glimpse | None = None,
        workspace: str = "",
    ) -> None:
        self.keys = KeyQueue(self)
        choices = Choices.of(glimpse.choices if glimpse else None)
        super().__init__(choices)
        self.stylesheet = PaintOnceStylesheet(variables=self.get_css_variables())
        hear_alt_keys()
        self._opened = opened
        self._workspace = workspace
        seen = glimpse and glimpse.config_id and not (choices.reader or workspace)  # what it shows would soon be gone
        self._glimpse = glimpse if seen else None
        self.failure: WorkbenchError | None = None
        if shared is not None:
            self._take(shared)

    def _take(self, shared: SharedContext) -> None:
        """Use a workbench that is open, and the themes."""
        from agent_workbench.frontends.tui.themes import DEFAULT, THEME, load_themes

        self.shared = shared
        self.themes = load_themes()
        for theme in self.themes.by_name.values():
            self.register_theme(theme)
        wanted = shared.remembered.recall_now(THEME, DEFAULT)
        self.theme = wanted if wanted in self.themes.by_name else DEFAULT

    def on_mount(self) -> None:
        if self._opened is None:
            self._show_main()
            return
        self.keys.hold()
        opening = Opening(self._glimpse)
        self.push_screen(opening)
        opening.call_after_refresh(self.run_worker, self._open(self._opened), exit_on_error=True)

    async def _open(self, opened: Callable[[], SharedContext]) -> None:
        """Load the rest of the program and the workbench, then go on where the person already is."""
        try:
            shared = await asyncio.to_thread(_load, opened)
        except WorkbenchError as error:
            self.failure = error
            self.exit()
            return
        self._take(shared)
        main = self._show_main()
        await main.begun.wait()
        look_seldom()
        self.keys.release()

    def _show_main(self) -> MainScreen:
        from agent_workbench.frontends.tui.screens.main import MainScreen

        problems = self._use_keymap()
        main = MainScreen(self.shared, self._glimpse, self._workspace)
        self.push_screen(main)
        for problem in (*problems, *self.themes.problems):
            self.notify(str(problem), title="Not used", severity="warning", markup=False)
        return main

    def _use_keymap(self) -> tuple[Problem, ...]:
        """Take the person's own keys; return what in their file cannot be used."""
        from agent_workbench.frontends.tui.keys import keymap_path, load_keymap

        if not keymap_path().exists():
            return ()
        from agent_workbench.frontends.tui.known_keys import command_ids, known_keys

        keymap, problems = load_keymap(known_keys(), command_ids())
        self.set_keymap(keymap)
        return problems

    def get_driver_class(self) -> type[Driver]:
        """Return what reads the terminal: what Textual would take, with keys handed on in batches."""
        return gathering(super().get_driver_class(), self.keys.take)

    async def on_event(self, event: events.Event) -> None:
        """Handle an event, keys one after the other (see `KeyQueue`)."""
        if not self.keys.keeps(event):
            await super().on_event(event)

    def on_unmount(self) -> None:
        self.keys.close()

    async def push_screen_wait(self, screen: Any, *, mode: str | None = None) -> Any:
        """Show a screen and return what it was dismissed with; only in a worker."""
        with self.keys.asking(get_current_worker()):
            return await super().push_screen_wait(screen, mode=mode)

    def end(self) -> None:
        """End now, asking nothing, as when the terminal is closed: what is written is kept.

        A terminal that is gone can block whoever paints; so the process ends in any case soon after the last second.
        """
        guard = threading.Timer(LAST_SECOND + 0.5, os._exit, (1,))
        guard.daemon = True
        guard.start()
        self.run_worker(self._end(), group="end", exclusive=True)

    async def _end(self) -> None:
        from agent_workbench.frontends.tui.screens.main import MainScreen

        try:
            for main in self.screen_stack:
                if isinstance(main, MainScreen) and main.ready:
                    async with asyncio.timeout(LAST_SECOND):
                        await main.chores.keep_all()
        except TimeoutError:
            pass  # a locked database must not keep a closed terminal's program alive
        self.exit()

    def _fatal_error(self) -> None:
        """End after a bug, saying where it is; Textual would print the values there, too, and one may be a key."""
        from rich.console import Group
        from rich.traceback import Traceback

        self.bell()
        said = "This is a bug in the workbench. What was saved and sent is kept; the lines above belong into a report."
        self.panic(Group(Traceback(show_locals=False, width=None), said))

    async def action_quit(self) -> None:
        """End after asking about what would be lost, also where a dialog is open."""
        from agent_workbench.frontends.tui.screens.main import MainScreen

        main = next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)
        if main is not None:
            await main.run_action("do('quit')")
        else:
            self.exit()


def _load(opened: Callable[[], SharedContext]) -> SharedContext:
    """Import what the main screen needs and open the workbench; in a thread, because both take a third of a second."""
    import_module("agent_workbench.frontends.tui.screens.main")
    import_module("agent_workbench.frontends.tui.themes")
    return opened()
