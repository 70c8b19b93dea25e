"""What is asked of the active chat by name, and by its prompt: who does it is chosen here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.answering import Answering
from agent_workbench.frontends.tui.arranging import Arranging
from agent_workbench.frontends.tui.commands import NEEDS, Command, slash
from agent_workbench.frontends.tui.limit_work import LimitWork
from agent_workbench.frontends.tui.listed_work import ListedWork
from agent_workbench.frontends.tui.reports import Reports
from agent_workbench.frontends.tui.screens.pick import Pick, explained
from agent_workbench.frontends.tui.side_by_side import SideBySide
from agent_workbench.frontends.tui.takeaway import Takeaway
from agent_workbench.frontends.tui.talk import Talk
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: What the permission modes do, in few words.
MODES = (
    ("ask", "every change is asked about"),
    ("fast-edit", "edits in the workspace go through"),
    ("read-only", "nothing is changed or run"),
    ("plan", "it reads and proposes"),
)


#: What a command does, given the words after it; most do it to a pane.
Anywhere = Callable[[str], Awaitable[None]]
InPane = Callable[[SessionPane, str], Awaitable[None]]


class ChatChores:
    """Hands what is asked of a chat to who does it. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared
        self._words = ""
        self.talk = Talk(screen, shared)
        self.answering = Answering(screen, shared)
        self.takeaway = Takeaway(screen, shared)
        self.reports = Reports(screen, shared)
        self.listed = ListedWork(screen, shared)
        self.beside = SideBySide(screen, shared, self.talk)
        self.arranging = Arranging(screen, shared)
        allowed = LimitWork(screen, shared)
        self._anywhere: Mapping[str, Anywhere] = {
            "workspaces": self.arranging.choose,
            "attend": lambda words: self.listed.attend(),
            "undelete": lambda words: self.listed.undo(),
            "usage": lambda words: self.reports.usage(),
        }
        self._in_pane: Mapping[str, InPane] = {
            "find": self._find,
            "retry": self._retry,
            "revise": lambda pane, words: self.talk.revise(pane),
            "continue": lambda pane, words: self.talk.go_on(pane),
            "compact": self._compact,
            "waiting": lambda pane, words: self.talk.wait_list(pane),
            "attach": lambda pane, words: self.talk.attach(pane),
            "mode": self._mode,
            "limits": allowed.limits,
            "effort": allowed.effort,
            "title": self.talk.title,
            "reply": lambda pane, words: self.takeaway.copy(pane, "reply"),
            "code": lambda pane, words: self.takeaway.copy(pane, "code"),
            "command": lambda pane, words: self.takeaway.copy(pane, "command"),
            "links": lambda pane, words: self.takeaway.links(pane),
            "compare": lambda pane, words: self.beside.compare(pane),
            "rerun": self.beside.rerun,
            "rerun_edited": lambda pane, words: self.beside.rerun_edited(pane),
            "console": lambda pane, words: self.reports.console(pane),
            "export": lambda pane, words: self.takeaway.export(pane),
        }

    @property
    def _pane(self) -> SessionPane | None:
        return self._screen.query_one(PaneGrid).active

    async def submit(self, pane: SessionPane, text: str, *, steer: bool = False) -> None:
        """Send what was written, to all panes while broadcasting; `/` begins a command, `!` one of the shell.

        A second `/` or `!` makes the first a letter.
        """
        if text.startswith("/") and not text.startswith("//"):
            await self._command(pane, text)
        elif text.startswith("!") and not text.startswith("!!"):
            self.talk.run(pane, text[1:].strip())
        else:
            said = text[1:] if text.startswith(("//", "!!")) else text
            grid = self._screen.query_one(PaneGrid)
            shown = grid.panes if grid.broadcast else [pane]
            for id in dict.fromkeys(one.session_id for one in shown):
                await self.talk.say(id, said, steer=steer)

    async def _command(self, pane: SessionPane, text: str) -> None:
        found = slash(text)
        if isinstance(found, Command):
            self._words = text.partition(" ")[2].strip()
            await self._screen.run_action(found.action)
        else:
            pane.prompt.draft = text
            self._screen.tell(found, severity="warning")

    async def wanted(self, event: ChatPane.Asked) -> None:
        """Do what a pane asks for."""
        pane = event.pane
        if not isinstance(pane, SessionPane):
            return
        match event:
            case ChatPane.PathsRequested(start=start):
                await self.talk.offer_files(pane, start)
            case ChatPane.ChildRequested(session_id=child, call_id=call):
                await self._screen.sessions.open_child(pane, child, call)
            case ChatPane.Wanted(what="draft"):
                await self.talk.keep_draft(pane)
            case ChatPane.Wanted(what="external"):
                await self.talk.write_elsewhere(pane)
            case ChatPane.Wanted(what="take_back"):
                self.talk.take_back(pane)

    async def do(self, what: str) -> None:
        """Do what a command names, with the words that were written after it."""
        words, self._words = self._words, ""
        anywhere = self._anywhere.get(what)
        if anywhere is not None:
            await anywhere(words)
        elif self._pane is None:
            self._screen.tell(NEEDS["session"])
        else:
            await self._in_pane[what](self._pane, words)

    async def _find(self, pane: SessionPane, words: str) -> None:
        pane.find.start(words)

    async def _compact(self, pane: SessionPane, keep: str) -> None:
        """Make the next requests of a session smaller; its pane says what that leaves out."""
        try:
            await self._shared.sessions.compact_session(pane.session_id, keep)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="warning")

    async def _retry(self, pane: SessionPane, model: str) -> None:
        await (self.beside.rerun(pane, model) if model else self.talk.retry(pane))

    async def _mode(self, pane: SessionPane, words: str) -> None:
        rows = explained(*((mode, mode, about) for mode, about in MODES))
        known = [mode for mode, _ in MODES]
        picked: str | None = words
        if words not in known:
            picked = await self._screen.app.push_screen_wait(Pick("Permission mode", rows, at=pane.mode))
        if picked:
            await self._screen.sessions.set(pane, permission_mode=picked)
            self._screen.show_header()
