"""Every command of the registry is run on a live workbench, and what it does is seen."""

from __future__ import annotations

import sys
from pathlib import Path

from agent_workbench.frontends.tui.commands import COMMANDS
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.find_bar import FindBar
from agent_workbench.frontends.tui.widgets.pane_grid import MOST, PaneGrid

sys.path.insert(0, str(Path(__file__).parent))

from seen import Seen, becomes, ceases, changes, dialog, grows, said, shown, shrinks
from workbench import Bench, workbench


def answered(bench: Bench) -> bool:
    """Return whether anything was said, asked or done about a pane."""
    finding = any(pane.find.display for pane in bench.panes)
    drafted = any(pane.prompt.draft for pane in bench.panes)
    return bool(bench.news) or bool(bench.dialog) or finding or drafted


def screen(name: str) -> Seen:
    return becomes(lambda bench: type(bench.app.screen).__name__ == name)


def view(name: str) -> Seen:
    """A part of the screen gets the focus."""
    return becomes(lambda bench: bench.main.view == name and bench.main.query_one(f"#{name}").has_focus_within)


def tab(name: str) -> Seen:
    return becomes(lambda bench: bench.desk.tab == name)


def active(bench: Bench) -> int:
    pane = bench.main.query_one(PaneGrid).active
    return pane.number if pane else 0


more_panes, fewer_panes = grows(lambda bench: len(bench.panes)), shrinks(lambda bench: len(bench.panes))
alone = changes(lambda bench: bench.main.parts.alone)
share, rows = (lambda bench: bench.desk.size.width), (lambda bench: bench.main.query_one(ConfigList).size.height)

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
    "config.target": said("Put the cursor on an include"),
    "config.section": dialog("Go to a section"),
    "config.line": becomes(lambda bench: bench.main.query_one(FindBar).has_focus_within),
    "config.back": becomes(answered),
    "config.add": dialog("Add to"),
    "config.add_tool": dialog("Add a tool"),
    "config.add_provider": dialog("Add a provider"),
    "config.add_include": dialog("Add an include"),
    "config.add_agent": dialog("Add an agent"),
    "config.add_hook": dialog("Add a hook"),
    "config.entry": said("Put the cursor on"),
    "config.toggle": becomes(lambda bench: "# - module: provider-mock" in bench.editor.text),
    "config.remove": said("put the cursor on"),
    "config.fix": said("No problem on this line"),
    "config.fix_all": said("Nothing here knows its own fix"),
    "config.secrets": said("No secret is written out"),
    "config.effect": dialog("What saving hello changes"),
    "config.compare": dialog("Compare hello with"),
    "config.new": dialog("Start from"),
    "config.import": dialog("Import"),
    "config.trust": said("Nothing of hello is held back"),
    "config.export": dialog("Export to"),
    "config.rename": dialog("Rename the config"),
    "config.copy": dialog("Copy hello"),
    "config.tags": dialog("Tags of hello"),
    "config.search": becomes(lambda bench: bench.main.query_one(ConfigList).query_one("LineInput").has_focus),
    "config.sort": becomes(lambda bench: bench.main.query_one(ConfigList).sort == "name"),
    "config.link": dialog("Link to the file"),
    "config.unlink": said("not linked"),
    "config.prune": dialog("How many revisions"),
    "config.delete": dialog("Delete hello"),
    "config.undelete": said("Nothing was deleted"),
    "session.fork": more_panes,
    "config.run": more_panes,
    "session.close": fewer_panes,
    "session.new": more_panes,
    "session.split": more_panes,
    "session.zoom": alone,
    "session.left": changes(active),
    "session.right": changes(active),
    "session.rename": dialog("Title of the session"),
    "session.mode": dialog("Permission mode"),
    "session.model": dialog("Model of this session"),
    "session.limits": dialog("What one turn of this session may use"),
    "session.effort": dialog("How much the model thinks"),
    "session.pin": dialog("Which revision"),
    "session.broadcast": shown("→ all panes"),
    "session.compare": screen("Compare"),
    "session.console": screen("Console"),
    "session.undelete": said("Nothing was deleted"),
    "session.attend": said("No session waits"),
    "layout.lists": ceases(lambda bench: bench.main.query_one("#browsers").display),
    "layout.hide": ceases(lambda bench: bench.desk.display),
    "layout.wider": grows(share),
    "layout.narrower": shrinks(share),
    "layout.higher": grows(rows),
    "layout.lower": shrinks(rows),
    "layout.reset": grows(rows),
    "app.jump": screen("Jump"),
    "app.settings": dialog("Settings"),
    "app.tour": shown("1/5"),
    "app.end_tour": ceases(lambda bench: "1/5" in bench.shown),
    "app.workspaces": becomes(lambda bench: bench.dialog),
    "app.usage": becomes(lambda bench: bench.dialog),
    "app.theme": screen("ThemePicker"),
    "app.quit": becomes(lambda bench: bench.ended),
}
#: Commands that need something said first have tests of their own in `test_talk` and `test_side_by_side`; here they
#: say that there is nothing yet, or ask.
EMPTY = (
    "session.rerun", "session.rerun_edited", "chat.find_words", "chat.retry", "chat.revise",
    "chat.continue", "chat.compact", "chat.waiting", "chat.attach", "chat.copy_reply", "chat.copy_code",
    "chat.copy_command", "chat.links", "chat.export",
)  # fmt: skip
OUTCOMES = {**dict.fromkeys(EMPTY, becomes(answered)), **OUTCOMES}


def test_every_command_has_an_outcome():
    assert {one.id for one in COMMANDS} - set(OUTCOMES) == set(), "say here what is seen after it"
    assert set(OUTCOMES) - {one.id for one in COMMANDS} == set(), "there is no such command any more"


async def test_every_command_does_what_it_says(tmp_path: Path):
    """Each is asked for by its keys, else by name as the palette and the prompt do."""
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.session("ctrl+t")
        commands = {one.id: one for one in COMMANDS}
        for id, seen in OUTCOMES.items():
            for key in commands[id].key.split(","):
                await bench.home()
                await prepare(bench, id)
                before = seen.look(bench)
                assert not seen.fits(before, before), f"{id} would pass without being asked for"
                await (bench.press(key) if key else bench.main.run_action(commands[id].action))
                await bench.until(
                    lambda seen=seen, before=before: seen.fits(before, seen.look(bench)), f"{id} by {key or 'name'}"
                )


async def prepare(bench: Bench, id: str) -> None:
    """Begin where a command finds what it needs: at the first line of the text, nothing said."""
    if id.startswith("session"):
        if len(bench.panes) == MOST:
            await bench.press("ctrl+w")
            await bench.until(lambda: len(bench.panes) < MOST, "room for one more pane")
        return
    bench.main.parts.alone = False
    bench.main.parts.hidden.clear()
    bench.main.show_view("chat" if id == "go.edit" else "edit")
    if id == "layout.reset":
        before = rows(bench)
        await bench.press("alt+shift+up")
        await bench.until(lambda: rows(bench) < before, "something to reset")
    if not id.startswith("layout"):
        bench.desk.show_tab("Edit", focus=id != "go.edit")
        config = bench.main.configs.config
        text = config.yaml_content if config else ""
        bench.editor.load(text)
        entry = text[: text.index("- module:")].count("\n") + 1
        bench.editor.go_to(entry if id == "config.toggle" else 1)
    for pane in bench.panes:
        pane.find.open = False
        pane.prompt.draft = ""
