"""The middle of the screen: one config as text, plan, problems and history."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher

from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.problems import Problem
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.widgets.editor import Check, YamlEditor
from agent_workbench.frontends.tui.widgets.editor_pane import EditorPane
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.lines import Run
from agent_workbench.frontends.tui.widgets.plan_view import PlanView
from agent_workbench.frontends.tui.widgets.problems import ProblemList
from agent_workbench.frontends.tui.widgets.tab_line import TabLine

Tab = Literal["Edit", "Plan", "Problems", "History"]
TABS: tuple[Tab, ...] = ("Edit", "Plan", "Problems", "History")
_STYLES = {"strong": "bold", "muted": "$text-muted", "warn": "$text-warning"}


class Desk(Vertical):
    """Knows what it shows, not where it comes from."""

    DEFAULT_CSS = """
    Desk {
        & > ContentSwitcher { height: 1fr; }
        & EditorPane, & PlanView, & ProblemList, & History { height: 1fr; }
    }
    """
    FOOTER: ClassVar = ("config.add", "config.run", "session.new", "session.split", "config.tab", "editor.external")
    FOCUS: ClassVar[dict[Tab, str]] = {
        "Edit": "YamlEditor", "Plan": "PlanView RowList", "Problems": "ProblemList RowList",
        "History": "History RowList",
    }  # fmt: skip

    def __init__(self, *, check: Check, catalog: Callable[[], Catalog], id: str | None = None) -> None:
        super().__init__(id=id)
        self._check = check
        self._catalog = catalog
        self._config = ("", 0)
        self._newer = 0

    def compose(self) -> ComposeResult:
        yield TabLine(TABS)
        with ContentSwitcher(initial="Edit"):
            yield EditorPane(check=self._check, catalog=self._catalog, id="Edit")
            yield PlanView(id="Plan")
            yield ProblemList(id="Problems")
            yield History(id="History")

    @property
    def editor(self) -> YamlEditor:
        """The text."""
        return self.query_one(YamlEditor)

    @property
    def tab(self) -> Tab:
        """What is shown."""
        shown = self.query_one(ContentSwitcher).current
        return next((tab for tab in TABS if tab == shown), "Edit")

    def show_tab(self, tab: Tab, *, focus: bool = True) -> None:
        """Show a tab, and go there."""
        self.query_one(ContentSwitcher).current = tab
        self.query_one(TabLine).active = tab
        if focus:
            self.focus_tab()

    def focus_tab(self) -> None:
        """Go to what the tab is for."""
        self.query_one(self.FOCUS[self.tab]).focus()

    def next_tab(self) -> Tab:
        """Return the tab after the one shown."""
        return TABS[(TABS.index(self.tab) + 1) % len(TABS)]

    def set_name(self, name: str, revision: int, *, newer: int = 0) -> None:
        """Say which config this is, and which newer revision somebody else saved."""
        self._config, self._newer = (clean_line(name), revision), newer
        self._title()

    def set_problems(self, problems: tuple[Problem, ...]) -> None:
        """Show the problems, and how many there are beside the tab's name."""
        self.query_one(ProblemList).show(problems)
        worst = "bad" if any(one.severity == "error" for one in problems) else "warn"
        count = sum(one.severity != "info" for one in problems)
        self.query_one(TabLine).badges = {"Problems": (str(count), worst)} if count else {}

    def _title(self) -> None:
        name, revision = self._config
        title: list[Run] = [(name, "strong"), (f" · rev {revision}" if revision else "", "muted")]
        if self.editor.dirty:
            title.append((" · * unsaved", "warn"))
        if self._newer:
            title.append((f" · rev {self._newer} is newer", "warn"))
        if self.editor.alters:
            title.append((" · read-only here", "warn"))
        narrow = self.screen.has_class("-narrow")  # there without a frame, so that the name stands beside the tabs
        self.query_one(TabLine).title = title if narrow else ()
        self.border_title = Content.assemble(*((text, _STYLES[role]) for text, role in title))

    def on_resize(self) -> None:
        self.call_after_refresh(self._title)

    @on(YamlEditor.DirtyChanged)
    def _dirty_changed(self) -> None:
        self._title()

    @on(YamlEditor.Checked)
    def _checked(self, event: YamlEditor.Checked) -> None:
        self.set_problems(event.problems)
