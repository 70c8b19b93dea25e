"""Pictures of the config side: lists, desk, layout and dialogs with fixed contents, at the three sizes."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.screen import Screen

import agent_workbench.frontends.tui as tui
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.plan import AgentSpec, Origin, Plan
from agent_workbench.configs.problems import Problem
from agent_workbench.frontends.tui.additions import AddKind, addition
from agent_workbench.frontends.tui.commands import bindings, command_rows
from agent_workbench.frontends.tui.jump import jump_from
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.help import Help, help_rows
from agent_workbench.frontends.tui.screens.palette import Palette
from agent_workbench.frontends.tui.screens.pick import Name, Pick, options
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.screens.source import SourceView
from agent_workbench.frontends.tui.screens.theme_picker import ThemePicker
from agent_workbench.frontends.tui.setting_work import told
from agent_workbench.frontends.tui.themes import DEFAULT, load_themes
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.columns import Columns, Sizes
from agent_workbench.frontends.tui.widgets.config_list import ConfigList, config_rows
from agent_workbench.frontends.tui.widgets.desk import Desk
from agent_workbench.frontends.tui.widgets.diff_columns import column_lines
from agent_workbench.frontends.tui.widgets.footer import KeyFooter
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.inputs import SafeArea
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.plan_view import PlanView
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.frontends.tui.widgets.tour import Tour
from agent_workbench.plugins import load_catalog
from agent_workbench.storage.records import ConfigMetadata, Revision

sys.path.insert(0, str(Path(__file__).parents[1]))

from looks import settled

SIZES = [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in ((80, 24), (120, 40), (200, 50))]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = """\
bundle:
  name: coding
  version: 1.0.0
includes:
  - bundle: foundation
providers:
  - module: provider-anthropic
    config:
      default_model: claude-sonnet-5-5
      api_key: ${ANTHROPIC_API_KEY}
      # keep it low: reviews must be stable
      max_tokens: 8000
tools:
  - module: tool-filesystem
    config:
      allowed_write_paths: [src]
  - module: tool-bsh
  # - module: tool-web
hooks:
  - module: hooks-status-context
"""
BEFORE = TEXT.replace("max_tokens: 8000", "max_tokens: 4000").replace("  - module: hooks-status-context\n", "")
PROBLEMS = (
    Problem(
        "error", "unknown module `tool-bsh`", 17, 13, "tools[1].module", "did you mean tool-bash?", fix=Edit(0, "", "x")
    ),
    Problem("warning", "ANTHROPIC_API_KEY is not set", 10, 16, "", "export it, or keep it in the keyring"),
    Problem("info", "an include sets this too", 12, 7, source="foundation"),
)
PLAN = Plan(
    "coding", "1.0.0", "",
    {
        "session": {"context": {"module": "context-simple", "config": {"max_tokens": 300000}}},
        "providers": [{"module": "provider-anthropic", "config": {"default_model": "claude-sonnet-5-5"}}],
        "tools": [{"module": "tool-filesystem", "config": {"allowed_write_paths": [".", "src"]}}],
        "agents": {"explorer": {}},
    },
    "You are careful.", agents={"explorer": AgentSpec("explorer", "reads and reports")},
    origins={
        "session.context.config.max_tokens": (Origin("foundation", 12), Origin("coding", 24)),
        "providers[provider-anthropic]": (Origin("coding", 7),),
        "providers[provider-anthropic].config.default_model": (Origin("coding", 9),),
        "tools[tool-filesystem]": (Origin("foundation", 31), Origin("coding", 14)),
        "tools[tool-filesystem].config.allowed_write_paths": (Origin("foundation", 31), Origin("coding", 16)),
    },
)  # fmt: skip
REVISIONS = [
    Revision("c", 3, TEXT, "", NOW, "ada", ""), Revision("c", 2, BEFORE, "", NOW, "ada", "add tool-filesystem"),
    Revision("c", 1, BEFORE[:200], "", NOW, "ada", "from coding"),
]  # fmt: skip
ROWS = [("name", "folder", 0), ("coding", "work", 2), ("reviewer", "work", 0), ("hello", "samples", 1),
        ("anthropic", "samples", 0), ("team", "samples", 0)]  # fmt: skip


def config(name: str, folder: str, sessions: int) -> ConfigMetadata:
    tags = {"folder": folder, "team": "red"} if name == "reviewer" else {"folder": folder}
    return ConfigMetadata(name, name, f"about {name}", NOW, NOW, tags, sessions=sessions)


class MainScreen(Screen[None]):
    """The parts of the main screen in its looks, with nothing behind them."""

    BINDINGS = bindings()
    CSS_PATH = Path(tui.__file__).parent / "styles" / "main.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (170, "-huge")]

    def compose(self) -> ComposeResult:
        yield Bar(id="header")
        with Columns(id="columns"):
            with Vertical(id="browsers"):
                yield ConfigList(id="configs")
                yield SessionList(id="sessions")
            yield Desk(check=lambda _: PROBLEMS, catalog=load_catalog, id="edit")
            yield PaneGrid(id="chat")
        yield Tour()
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#header", Bar).put(
            [("◆ ", "state"), ("Agent Workbench", "strong"), ("   coding · rev 3", "muted")]
        )
        about = self.app.size.width < 110
        found = [config(*one) for one in ROWS[1:]]
        missing = {"anthropic": ("ANTHROPIC_API_KEY",), "team": ("ANTHROPIC_API_KEY",)}
        rows = config_rows(found, {"coding": "problem", "hello": "running"}, "coding", about=about, missing=missing)
        self.query_one(ConfigList).put(list(rows))
        desk = self.query_one(Desk)
        desk.editor.load(TEXT)
        desk.set_name("coding", 3)
        desk.editor.set_problems(PROBLEMS)
        desk.query_one(PlanView).show(PLAN)
        desk.query_one(History).show(REVISIONS)
        self.show("edit")

    def show(self, *parts: str) -> None:
        """Show parts, all of them where there is room and none is named but the first."""
        narrow = self.app.size.width < 110
        for part in ("configs", "sessions", "edit", "chat"):
            self.query_one(f"#{part}").display = part in parts if narrow or len(parts) > 1 else True
        self.query_one("#browsers").display = bool({"configs", "sessions"} & set(parts)) or (
            not narrow and len(parts) < 2
        )
        target = self.query_one(f"#{parts[0]}")
        if isinstance(target, Browser):
            target.focus_list()
        elif isinstance(target, Desk):
            target.focus_tab()


class Host(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def on_mount(self) -> None:
        self.register_theme(load_themes().by_name[DEFAULT])
        self.theme = DEFAULT
        self.push_screen(MainScreen())

    @property
    def main(self) -> MainScreen:
        return next(one for one in self.screen_stack if isinstance(one, MainScreen))


Do = Callable[[Host], Awaitable[None]]


def tab(name: Any) -> Do:
    async def do(app: Host) -> None:
        app.main.query_one(Desk).show_tab(name)

    return do


async def edit(app: Host) -> None:
    app.main.query_one(Desk).editor.go_to(17, 13)


async def configs(app: Host) -> None:
    app.main.show("configs")


async def sessions(app: Host) -> None:
    app.main.show("sessions")


async def chat(app: Host) -> None:
    app.main.show("chat")


async def columns(app: Host) -> None:
    app.main.query_one(Columns).set_sizes(Sizes(22, 0.4, 6))


async def hidden(app: Host) -> None:
    app.main.show("edit", "chat")


async def alone(app: Host) -> None:
    app.main.show("edit", "edit")


async def tour(app: Host) -> None:
    app.main.query_one(Tour).begin()


async def jump(app: Host) -> None:
    jump_from(app.main)


async def find(app: Host) -> None:
    app.main.query_one(Desk).editor.action_want("find")


PARTS: dict[str, Do] = {
    "edit": edit, "plan": tab("Plan"), "problems": tab("Problems"), "history": tab("History"), "configs": configs,
    "sessions": sessions, "chat": chat, "sized": columns, "hidden": hidden, "alone": alone, "tour": tour,
    "jump": jump, "find": find,
}  # fmt: skip


def adding(kind: AddKind, at: str = "", made: type[AddEntry] = AddEntry) -> Callable[[Host], Screen[Any]]:
    includes = [("foundation", "ships with the workbench"), ("config:reviewer", "a config of yours")]
    return lambda _: made(addition(kind, "coding", TEXT, load_catalog(), includes), at=at)


class Wrong(AddEntry):
    """The form of an entry with a value that does not fit."""

    def on_descendant_focus(self) -> None:
        super().on_descendant_focus()
        areas = list(self.query(SafeArea))
        if areas and not areas[-1].text:
            area = areas[-1].focus()
            area.text = "[a, list]"


async def setting_rows() -> list[Row]:
    found = [("theme", "Theme", "Ink", "as shipped"), ("motion", "Motion", "off", "chosen here"),
             ("colour", "Colour", "off", "$NO_COLOR"),
             ("file offline", "offline", "true", "settings.yaml:3")]  # fmt: skip
    return [Row(id, [(f"{a:<22} ", "strong"), (b, "")], [(c, "muted")]) for id, a, b, c in found]


async def nothing(_: str) -> None:
    """Change nothing."""


DIALOGS: dict[str, Callable[[Host], Screen[Any]]] = {
    "add": lambda _: Pick("Add to coding", options(("t", "a tool"), ("p", "a provider"), ("a", "an agent"))),
    "tool": adding("tool"),
    "entry": adding("tool", "tool-filesystem"),
    "wrong": adding("tool", "tool-filesystem", Wrong),
    "provider": adding("provider"),
    "include": adding("include"),
    "agent": adding("agent"),
    "hook": adding("hook"),
    "palette": lambda _: Palette(list(command_rows())[:30], (), lambda _: ()),
    "conflict": lambda _: Pick(
        "Saved in between by ada",
        options(("merge", "Merge both into the editor, 1 place to decide"), ("look", "Look at both, side by side"),
                ("mine", "Save mine over it"), ("theirs", "Take theirs, and lose mine"), ("stay", "Decide later")),
        note="Revision 4 was saved while you edited revision 3.",
    ),
    "look": lambda _: Sheet("Yours at the left, theirs at the right", lambda width: column_lines(BEFORE, TEXT, width)),
    "name": lambda _: Name("Tags of coding", "/work team=red", note="Words, or key=value."),
    "help": lambda app: Help("The config as text.", list(help_rows(list(app.main.active_bindings.values())))[:24]),
    "settings": lambda _: Settings(setting_rows, nothing, nothing, told),
    "themes": lambda _: ThemePicker(load_themes([Path(tui.__file__).parents[4] / "themes"]), DEFAULT),
    "source": lambda _: SourceView("foundation:12", TEXT, 12),
}  # fmt: skip


@pytest.fixture
def look(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[int, int], Do], None]:
    """Hold the picture of a state against the one that was looked at."""
    monkeypatch.setenv("TZ", "UTC")

    def compare(size: tuple[int, int], do: Do) -> None:
        app = Host()

        async def before(pilot: Pilot[None]) -> None:
            await settled(pilot)
            await do(app)
            await settled(pilot)

        assert snap_compare(app, terminal_size=size, run_before=before)

    return compare


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_screen(look: Callable[..., None], part: str, size: tuple[int, int]):
    look(size, PARTS[part])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", DIALOGS)
def test_a_dialog(look: Callable[..., None], name: str, size: tuple[int, int]):
    async def do(app: Host) -> None:
        app.push_screen(DIALOGS[name](app))

    look(size, do)
