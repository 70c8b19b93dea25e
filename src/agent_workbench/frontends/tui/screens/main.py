"""The main screen: configs and sessions at the left, the config in the middle, the chats at the right.

It composes and routes. What is done with configs and sessions is in `config_work` and `session_work`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.widgets import TextArea

from agent_workbench.frontends.tui.additions import ARTICLES
from agent_workbench.frontends.tui.chat_chores import ChatChores
from agent_workbench.frontends.tui.chores import TOUR, Chores
from agent_workbench.frontends.tui.commands import BY_ACTION, bindings, lacking
from agent_workbench.frontends.tui.config_changes import ConfigChanges
from agent_workbench.frontends.tui.config_chores import ConfigChores
from agent_workbench.frontends.tui.config_places import ConfigPlaces
from agent_workbench.frontends.tui.config_work import ConfigWork
from agent_workbench.frontends.tui.layout import NARROW
from agent_workbench.frontends.tui.overview import WATCH_EVERY, Overview
from agent_workbench.frontends.tui.palette_work import PaletteWork
from agent_workbench.frontends.tui.screens.help import Help, about, help_rows
from agent_workbench.frontends.tui.screens.parts import PartedScreen
from agent_workbench.frontends.tui.session_work import SessionWork
from agent_workbench.frontends.tui.setting_work import SettingWork
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.columns import Columns
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.desk import TABS, Desk
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.first_look import FirstLook
from agent_workbench.frontends.tui.widgets.footer import KeyFooter
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.frontends.tui.widgets.plan_view import PlanView
from agent_workbench.frontends.tui.widgets.problems import ProblemList
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.frontends.tui.widgets.tab_line import TabLine
from agent_workbench.frontends.tui.widgets.tour import Tour
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.glimpse import Glimpse

#: How often, in looks at the database, the linked files are looked at.
FILE_EVERY = 3


class MainScreen(PartedScreen):
    """Everything of the workbench but its dialogs."""

    BINDINGS = bindings()
    CSS_PATH = Path(__file__).parents[1] / "styles" / "main.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide"), (170, "-huge")]

    def __init__(self, shared: SharedContext, glimpse: Glimpse | None = None, workspace: str = "") -> None:
        super().__init__()
        self.shared = shared
        self._glimpse = glimpse
        self._workspace = workspace
        self.ready = False
        """Whether what was open last time is open again."""
        self.begun = asyncio.Event()
        self.configs = ConfigWork(self, shared, self.refresh_lists)
        self.changes = ConfigChanges(self, shared)
        self.places = ConfigPlaces(self, shared)
        self.library = ConfigChores(self, shared)
        self.settings = SettingWork(self, shared)
        self.sessions = SessionWork(self, shared, self.refresh_lists)
        self.overview = Overview(self, shared)
        self.chores = Chores(self, shared)
        self.chats = ChatChores(self, shared)
        self.palette = PaletteWork(self, shared)

    def compose(self) -> ComposeResult:
        yield Bar(id="header")
        with Columns(id="columns"):
            with Vertical(id="browsers"):
                yield ConfigList(id="configs")
                yield SessionList(id="sessions")
            yield Desk(check=self.configs.check, catalog=lambda: self.shared.configs.catalog, id="edit")
            yield PaneGrid(id="chat")
        yield Tour()
        yield KeyFooter()
        if self._glimpse is not None:
            yield FirstLook(self._glimpse)  # over everything until the real parts show the same

    def on_mount(self) -> None:
        self.show_view("edit", focus=False)
        self.run_worker(self._begin(), group="begin")

    async def _begin(self) -> None:
        editor = self.query_one(YamlEditor)
        check, editor.check = editor.check, None  # the first check imports every module
        with self.app.batch_update():  # what stands under the first look is painted once, when it is complete
            await self.settings.begin()
            await self.chores.begin(self._workspace)
            self.ready = True
            await self.query(FirstLook).remove()
        self.begun.set()
        editor.check = check
        self.call_after_refresh(editor.check_now)
        await self.overview.look_for_keys()
        self.set_interval(WATCH_EVERY, self._watch)
        self.set_interval(WATCH_EVERY * FILE_EVERY, self._look_at_files)

    @work(group="others")
    async def _look_at_store(self) -> None:
        await self.configs.others.look_at_store()

    @work(group="watch", exclusive=True)
    async def _watch(self) -> None:
        if await self.overview.changed_elsewhere():
            self._look_at_store()
            await self.refresh_lists()
        await self.overview.look_for_keys()
        await self.overview.look_for_problems()
        await self.keep_state()  # now and not at the end, which a killed program does not see

    @work(group="files")
    async def _look_at_files(self) -> None:
        await self.configs.others.look_at_files()

    def show_header(self) -> None:
        """Bring the first line up to date."""
        left, right = self.overview.header(self.view, narrow=self.parts.one_at_a_time)
        self.query_one("#header", Bar).put(left, right)

    async def keep_state(self) -> None:
        """Remember how the screen is arranged, and what is open."""
        await self.chores.remember()

    async def refresh_lists(self) -> None:
        """Read configs and sessions anew."""
        with suppress(NoMatches):  # the screen was taken down while the database answered
            await self.overview.read()
            self.show_header()

    async def show_problems(self) -> None:
        """Show what is wrong with the config."""
        self.show_view("edit", focus=False)
        await self.configs.show("Problems", focus=True)

    @on(Bar.Clicked, "#header")
    def _header_clicked(self, event: Bar.Clicked) -> None:
        view = self.overview.tabs.get(event.text)
        if view is not None and self.parts.one_at_a_time:
            self.action_view(view)

    # --- messages of the lists and the desk

    @on(Browser.Asked, "#configs")
    @work(group="ask")
    async def _config_asked(self, event: Browser.Asked) -> None:
        await self.library.asked(event.what, event.id)

    @on(Browser.Asked, "#sessions")
    @work(group="ask")
    async def _session_asked(self, event: Browser.Asked) -> None:
        await self.chats.listed.asked(event.what, event.id)

    @on(Browser.Filtered)
    @work(group="filter", exclusive=True)
    async def _filtered(self) -> None:
        await self.refresh_lists()

    @on(TabLine.Picked)
    def _tab_picked(self, event: TabLine.Picked) -> None:
        self.action_tab(event.tab)

    @on(YamlEditor.SaveRequested)
    @work(group="save")
    async def _save(self) -> None:
        if await self.configs.save():
            self.query_one(Tour).did("save")

    @on(TextArea.Changed, "YamlEditor")
    def _typed(self) -> None:
        self.configs.typed()

    @on(YamlEditor.DirtyChanged)
    @on(YamlEditor.Checked)
    @work(group="marks", exclusive=True)
    async def _marked(self) -> None:
        await self.refresh_lists()

    @on(YamlEditor.Wanted)
    @work(group="external")
    async def _wanted(self, event: YamlEditor.Wanted) -> None:
        if event.what == "external":
            await self.configs.take_text(await self.chores.edit_elsewhere(event.editor.text))
        elif event.what == "fix":
            await self.changes.do("fix")
        elif event.what in ("target", "section", "back"):
            await self.places.do(event.what)

    @on(PlanView.Jump)
    @work(group="jump")
    async def _jump(self, event: PlanView.Jump) -> None:
        await self.places.jump(event.origin)

    @on(PlanView.ToProblem)
    @on(ProblemList.Jump)
    @on(ProblemList.Fix)
    @work(group="jump")
    async def _to_problem(self, event: PlanView.ToProblem | ProblemList.Jump | ProblemList.Fix) -> None:
        if isinstance(event, ProblemList.Fix):
            await self.changes.fix(event.problem)
        await self.places.to_problem(event.problem)

    @on(History.Restore)
    @work(group="save")
    async def _restore(self, event: History.Restore) -> None:
        await self.configs.restore(event.revision)

    @on(History.Plans)
    @work(group="ask")
    async def _plans(self, event: History.Plans) -> None:
        await self.configs.compare_revisions(event.old, event.new)

    # --- messages of the panes

    @on(ChatPane.Submitted)
    @work(group="say")
    async def _submitted(self, event: ChatPane.Submitted) -> None:
        if isinstance(event.pane, SessionPane):
            self.query_one(Tour).did("said")
            await self.chats.submit(event.pane, event.text, steer=event.steer)

    @on(ChatPane.Answered)
    @work(group="answer")
    async def _answered(self, event: ChatPane.Answered) -> None:
        if isinstance(event.pane, SessionPane):
            await self.chats.answering.answer(event.pane, event.question, event.answer)

    @on(ChatPane.StopRequested)
    @work(group="stop")
    async def _stop(self, event: ChatPane.StopRequested) -> None:
        if isinstance(event.pane, SessionPane):
            await self.sessions.stop(event.pane)

    @on(ChatPane.CopyRequested)
    def _copy(self, event: ChatPane.CopyRequested) -> None:
        self.app.copy_to_clipboard(event.text)
        self.tell(f"Copied the {event.what}.")

    @on(ChatPane.ForkRequested)
    @on(ChatPane.EditRequested)
    @on(ChatPane.HistoryRequested)
    @work(group="say")
    async def _asked_of_pane(self, event: Any) -> None:
        await self.chores.pane_asked(event)

    @on(ChatPane.Wanted)
    @on(ChatPane.ChildRequested)
    @on(ChatPane.PathsRequested)
    @work(group="chat")
    async def _wanted_of_pane(self, event: ChatPane.Asked) -> None:
        await self.chats.wanted(event)

    @on(PaneGrid.ModeRequested)
    @work(group="mode")
    async def _mode(self, event: PaneGrid.ModeRequested) -> None:
        await self.sessions.next_mode(event.pane)
        self.show_header()

    @on(PaneGrid.Activated)
    def _activated(self) -> None:
        self.show_header()

    # --- actions, named in `commands`

    def action_help(self) -> None:
        """Say what the focused thing is for."""
        self.app.push_screen(Help(about(self.focused), list(help_rows(list(self.active_bindings.values())))))

    @work(group="tab", exclusive=True)
    async def action_edit(self) -> None:
        """Go to the text."""
        self.show_view("edit", focus=False)
        await self.configs.show("Edit", focus=True)

    @work(group="tab", exclusive=True)
    async def action_tab(self, tab: str) -> None:
        """Show a tab of the config."""
        self.show_view("edit", focus=False)
        await self.configs.show(next(one for one in TABS if one == tab), focus=True)

    def action_next_tab(self) -> None:
        """Show the next tab of the config."""
        self.action_tab(self.query_one(Desk).next_tab())

    @work(group="add", exclusive=True)
    async def action_add(self, kind: str) -> None:
        """Add something to the config."""
        if self._lacks(f"add('{kind}')"):
            return
        if await self.changes.add(next((one for one in ARTICLES if one == kind), None)):
            self.query_one(Tour).did("add")

    @work(group="ask")
    async def action_config(self, what: str) -> None:
        """Do something with the config on the desk (see `ConfigChores.asked`)."""
        if not self._lacks(f"config('{what}')"):
            await self.library.do(what)

    @work(group="ask")
    async def action_change(self, what: str) -> None:
        """Change the text on the desk (see `ConfigChanges.do`)."""
        if not self._lacks(f"change('{what}')"):
            await self.changes.do(what)

    @work(group="ask")
    async def action_place(self, what: str) -> None:
        """Go to a place of the text on the desk, or to what it names (see `ConfigPlaces.do`)."""
        if not self._lacks(f"place('{what}')"):
            await self.places.do(what)

    @work(group="ask")
    async def action_effect(self) -> None:
        """Show what saving would change for a session."""
        if not self._lacks("effect"):
            await self.configs.show_changes()

    @work(group="ask")
    async def action_do(self, what: str) -> None:
        """Do something that needs no more than its name (see `Chores.do`)."""
        if self._lacks(f"do('{what}')"):
            return
        if what == "palette":
            self.query_one(Tour).did("palette")
            await self.palette.show()
        else:
            await self.chores.do(what)

    @work(group="ask")
    async def action_chat(self, what: str) -> None:
        """Do something with the active chat (see `ChatChores.do`)."""
        if not self._lacks(f"chat('{what}')"):
            await self.chats.do(what)

    @property
    def there(self) -> set[str]:
        """What commands may need, and is there (see `commands.NEEDS`)."""
        panes = len(self.query_one(PaneGrid).panes)
        found = {"config": self.configs.config is not None, "session": panes > 0, "panes": panes > 1}
        return {name for name, is_there in found.items() if is_there}

    def _lacks(self, action: str) -> bool:
        """Whether something has to be there first for a command; says what."""
        command = BY_ACTION.get(action)
        why = lacking(command, self.there) if command is not None else ""
        if why:
            self.tell(why)
        return bool(why)

    @on(Tour.Ended)
    @work(group="remember")
    async def _tour_ended(self) -> None:
        await self.shared.remembered.keep(TOUR, "done")
