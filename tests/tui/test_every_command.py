"""Every command of the registry is run on a live workbench, and what it does is seen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from agent_workbench.frontends.tui.commands import COMMANDS
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.widgets.columns import Columns
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.tour import Tour

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

Seen = Callable[[Bench], object]


def dialog(title: str) -> Seen:
    """Return whether a dialog is open that has words in its title."""

    def seen(bench: Bench) -> bool:
        boxes = bench.app.screen.query("#box")
        return bool(boxes) and title.lower() in str(boxes.first().border_title).lower()

    return seen


def said(words: str) -> Seen:
    return lambda bench: any(words in one.message for one in bench.app._notifications)


def answered(bench: Bench) -> bool:
    """Return whether anything was said, asked or done about a pane."""
    asked = not isinstance(bench.app.screen, MainScreen)
    finding = any(pane.find.display for pane in bench.panes)
    drafted = any(pane.prompt.draft for pane in bench.panes)
    return bool(bench.app._notifications) or asked or finding or drafted


def screen(name: str) -> Seen:
    return lambda bench: type(bench.app.screen).__name__ == name


def view(name: str) -> Seen:
    return lambda bench: bench.main.view == name


def tab(name: str) -> Seen:
    return lambda bench: bench.desk.tab == name


def panes(count: int) -> Seen:
    return lambda bench: len(bench.panes) == count


#: What is seen after a command, by its id, with two panes open of the sample `hello`. Quitting comes last.
OUTCOMES: dict[str, Seen] = {
    "app.help": screen("Help"),
    "app.palette": dialog("Commands"),
    "go.configs": view("configs"),
    "go.sessions": view("sessions"),
    "go.chat": view("chat"),
    "go.edit": view("edit"),
    "config.tab": tab("Plan"),
    "config.plan": tab("Plan"),
    "config.problems": tab("Problems"),
    "config.history": tab("History"),
    "config.add": dialog("Add to"),
    "config.add_tool": dialog("Add a tool"),
    "config.add_provider": dialog("Add a provider"),
    "config.add_include": dialog("Add an include"),
    "config.add_agent": dialog("Add an agent"),
    "config.add_hook": dialog("Add a hook"),
    "config.entry": said("Put the cursor on"),
    "config.toggle": answered,
    "config.remove": said("put the cursor on"),
    "config.fix": said("No problem on this line"),
    "config.fix_all": said("Nothing here knows its own fix"),
    "config.secrets": said("No secret is written out"),
    "config.effect": dialog("What saving hello changes"),
    "config.new": dialog("Start from"),
    "config.import": dialog("Import"),
    "config.export": dialog("Export to"),
    "config.rename": dialog("Rename the config"),
    "config.copy": dialog("Copy hello"),
    "config.tags": dialog("Tags of hello"),
    "config.search": lambda bench: bench.main.query_one(ConfigList).query_one("LineInput").has_focus,
    "config.sort": lambda bench: bench.main.query_one(ConfigList).sort == "name",
    "config.link": dialog("Link to the file"),
    "config.unlink": said("not linked"),
    "config.prune": dialog("How many revisions"),
    "config.delete": dialog("Delete hello"),
    "config.undelete": said("Nothing was deleted"),
    "session.fork": panes(3),
    "config.run": panes(4),
    "session.close": panes(3),
    "session.new": panes(4),
    "session.split": panes(4),
    "session.zoom": lambda bench: bench.main.parts.alone,
    "session.left": view("chat"),
    "session.right": view("chat"),
    "session.rename": answered,
    "session.mode": answered,
    "session.model": dialog("Model of this session"),
    "session.pin": dialog("Which revision"),
    "session.broadcast": lambda bench: bench.main.query_one(PaneGrid).broadcast,
    "session.compare": screen("Compare"),
    "session.console": screen("Console"),
    "session.undelete": said("Nothing was deleted"),
    "layout.lists": lambda bench: not bench.main.query_one("#browsers").display,
    "layout.hide": lambda bench: bench.main.parts.hidden,
    "layout.wider": lambda bench: bench.main.query_one(Columns).sizes.share,
    "layout.narrower": lambda bench: bench.main.query_one(Columns).sizes.share,
    "layout.higher": lambda bench: bench.main.query_one(Columns).sizes.rows,
    "layout.lower": lambda bench: bench.main.query_one(Columns).sizes.rows,
    "layout.reset": lambda bench: not bench.main.query_one(Columns).sizes.rows and not bench.main.parts.hidden,
    "app.jump": screen("Jump"),
    "app.settings": dialog("Settings"),
    "app.tour": lambda bench: bench.main.query_one(Tour).step == 0,
    "app.end_tour": lambda bench: bench.main.query_one(Tour).step == -1,
    "app.workspaces": lambda bench: bench.app.screen is not bench.main,
    "app.usage": lambda bench: bench.app.screen is not bench.main,
    "app.theme": screen("ThemePicker"),
    "app.quit": lambda bench: bench.app._exit,
}
#: Commands that need something said first have tests of their own in `test_talk` and `test_side_by_side`; here they
#: say that there is nothing yet, or ask.
EMPTY = (
    "session.rerun", "session.rerun_edited", "chat.find_words", "chat.retry", "chat.revise",
    "chat.continue", "chat.waiting", "chat.attach", "chat.copy_reply", "chat.copy_code", "chat.copy_command",
    "chat.links", "chat.export",
)  # fmt: skip
OUTCOMES = {**dict.fromkeys(EMPTY, answered), **OUTCOMES}


def test_every_command_has_an_outcome():
    assert {one.id for one in COMMANDS} - set(OUTCOMES) == set(), "say here what is seen after it"
    assert set(OUTCOMES) - {one.id for one in COMMANDS} == set(), "there is no such command any more"


async def test_every_command_does_what_it_says(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.session("ctrl+t")
        actions = {one.id: one.action for one in COMMANDS}
        for id, seen in OUTCOMES.items():
            await prepare(bench, id)
            await bench.main.run_action(actions[id])
            await bench.until(lambda seen=seen: seen(bench), id)
            await back(bench)


async def prepare(bench: Bench, id: str) -> None:
    """Begin where a command finds what it needs: at the first line of the text, nothing said."""
    bench.app._notifications.clear()
    bench.main.parts.alone = False
    if not id.startswith(("session", "layout")):
        bench.main.show_view("edit", focus=False)
        bench.desk.show_tab("Edit")
        config = bench.main.configs.config
        bench.editor.load(config.yaml_content if config else "")
        bench.editor.go_to(1)


async def back(bench: Bench) -> None:
    """Close what was opened."""
    for _ in range(3):
        if not bench.app._exit and not isinstance(bench.app.screen, MainScreen):
            await bench.press("escape")
            await bench.pilot.pause(0.05)
