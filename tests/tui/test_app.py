"""The job that a newcomer does in the first minute, and what must not get lost on the way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.commands import COMMANDS, slash
from agent_workbench.frontends.tui.keys import SAME_BYTE, keymap_path
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.help import Help
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def test_open_add_a_tool_save_chat_and_split_with_both_answering_at_once(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        before = bench.editor.text
        assert bench.main.configs.config is not None
        assert bench.main.configs.config.name == "hello"
        await bench.until(lambda: bench.editor.has_focus, "the text has the focus")

        await bench.press("alt+a", "enter")
        await bench.until(lambda: isinstance(bench.app.screen, AddEntry), "the dialog")
        await bench.type("bash")
        dialog = bench.app.screen
        await bench.until(lambda: "tool-bash" in str(dialog.query_one("#change").lines), "the change")  # type: ignore[attr-defined]
        await bench.press("enter")
        await bench.until(lambda: bench.editor.dirty, "the edit is made")
        assert bench.editor.text == before.rstrip("\n") + "\n  - module: tool-bash\n"

        await bench.press("ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved")
        stored = await bench.shared.configs.find_config("hello")
        assert (stored.revision, stored.yaml_content) == (2, bench.editor.text)

        one = await bench.session("ctrl+n")
        await bench.say("my name is Ada")
        await bench.until(lambda: one.state == "idle" and "Ada" in bench.text_of(one), "an answer")

        await bench.say("what is my name?")
        await bench.until(lambda: one.state == "idle" and "Ada" in bench.text_of(one).splitlines()[-1], "it remembers")

        two = await bench.session("ctrl+t")
        assert two.session_id != one.session_id
        await bench.say("count to 60")
        await bench.press("alt+1")
        await bench.say("count to 60")
        await bench.until(lambda: one.busy and two.busy, "both answer at once")
        await bench.until(lambda: not one.busy and not two.busy, "both are done")
        assert all(bench.text_of(pane).endswith("60") for pane in (one, two))


async def test_closing_a_pane_stops_nothing_and_its_draft_stays(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 30")
        await bench.until(lambda: pane.busy, "it writes")
        pane.prompt.draft = "and then?"
        await bench.press("ctrl+w")
        await bench.until(lambda: not bench.panes, "closed")
        assert bench.shared.sessions.is_running(pane.session_id)
        await bench.until(lambda: not bench.shared.sessions.is_running(pane.session_id), "it went on to its end")
        await bench.until(lambda: pane.session_id in bench.main.sessions.unread, "and is marked as new")
        assert "30" in bench.text_of(pane)
        await bench.press("f3", "enter")
        await bench.until(lambda: bench.panes and bench.panes[0].prompt.draft == "and then?", "the draft is back")


async def test_a_pane_that_opens_in_the_middle_of_a_turn_shows_all_of_it_once(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 20")
        await bench.until(lambda: pane.busy, "it writes")
        await bench.press("ctrl+w")
        await bench.until(lambda: not bench.panes, "closed")
        await bench.press("f3", "enter")
        await bench.until(lambda: bench.panes and not bench.panes[0].busy and bench.panes[0].transcript.count, "done")
        stored = len(bench.shared.store.sessions.messages(pane.session_id))
        assert bench.panes[0].transcript.count == stored


async def test_stopping_one_pane_leaves_the_other_running(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.slow_down()
        one = await bench.session()
        await bench.say("count to 40")
        two = await bench.session("ctrl+t")
        await bench.say("count to 40")
        await bench.until(lambda: one.busy and two.busy, "both write")
        await bench.press("escape")
        await bench.until(lambda: two.state == "stopped", "the active one stops")
        assert one.busy


async def test_a_question_is_answered_in_its_pane_and_the_file_is_written(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("write notes.txt with hello")
        await bench.until(lambda: pane.question.waiting, "it asks")
        header = bench.main.query_one("#header", Bar)
        await bench.until(lambda: "1 needs you" in header.plain, "the first line says so")
        await bench.answerable(pane)
        await bench.press("y")
        await bench.until(lambda: not pane.busy, "it goes on")
        assert (tmp_path / "work" / "notes.txt").read_text().strip() == "hello"


async def test_a_config_with_errors_starts_no_session_and_shows_them(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.load(bench.editor.text.replace("provider-mock", "provider-mok"))
        await bench.press("f5")
        await bench.until(lambda: bench.desk.tab == "Problems", "the problems")
        assert bench.panes == []
        shown = [row.left[1][0] for row in bench.desk.query_one("ProblemList RowList", RowList).rows]
        assert any("provider-mok" in words for words in shown)
        await bench.press("enter")
        await bench.until(lambda: bench.desk.tab == "Edit", "and the way to the line")
        assert "provider-mok" in bench.editor.document[bench.editor.cursor_location[0]]


async def leave(bench: Bench, answer: str) -> None:
    await bench.type("# note")
    await bench.press("f2", "down", "enter")
    await bench.until(lambda: isinstance(bench.app.screen, Pick), "the question")
    rows = bench.app.screen.query_one(RowList)
    rows.put(rows.rows, at=answer)
    await bench.press("enter")


@pytest.mark.parametrize(
    ("answer", "config", "text_kept"), [("save", "other", True), ("draft", "other", True), ("discard", "other", False)]
)
async def test_unsaved_changes_are_asked_about(tmp_path: Path, answer: str, config: str, text_kept: bool):
    async with workbench(tmp_path) as bench:
        before = bench.main.configs.config
        assert before is not None
        await leave(bench, answer)
        await bench.until(lambda: bench.main.configs.config is not before and not bench.editor.dirty, "another config")
        await bench.press("f2", "home", "enter")
        await bench.until(lambda: bench.main.configs.config and bench.main.configs.config.name == "hello", "back")
        await bench.until(lambda: bench.editor.text.startswith("# note") == text_kept, "the text")
        assert bench.editor.dirty == (answer == "draft")


async def test_staying_keeps_the_text_and_the_config(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await leave(bench, "stay")
        await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "closed")
        assert bench.editor.text.startswith("# note")
        assert bench.editor.dirty


async def test_an_unsaved_text_survives_a_crash(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.type("# lost?")
        config = bench.main.configs.config
        assert config is not None
        key = f"draft.{config.config_id}"
        await bench.until(lambda: bench.shared.store.setting(key), "the draft is kept")
    async with workbench(tmp_path) as bench:
        assert bench.editor.text.startswith("# lost?")
        assert bench.editor.dirty


async def test_a_save_that_lost_the_race_asks_and_merges(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        config = bench.main.configs.config
        assert config is not None
        theirs = config.yaml_content + "# theirs\n"
        await bench.shared.configs.update_config(config.config_id, yaml_content=theirs)
        await bench.type("# mine")
        await bench.press("ctrl+s")
        await bench.until(lambda: isinstance(bench.app.screen, Pick), "the question")
        await bench.press("enter")
        await bench.until(lambda: bench.editor.text.endswith("# theirs\n"), "merged")
        assert bench.editor.text.startswith("# mine")
        await bench.press("ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved")
        assert (await bench.shared.configs.find_config("hello")).revision == 3


async def test_what_was_open_is_open_again(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: pane.state == "idle" and "Ada" in bench.text_of(pane), "an answer")
        await bench.press("ctrl+q")
        await bench.until(lambda: bench.ended, "it ends")
    async with workbench(tmp_path) as bench:
        assert [one.session_id for one in bench.panes] == [pane.session_id]
        assert bench.panes[0].transcript.count


async def test_slash_commands_and_palette_come_from_one_registry(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.say("/plan")
        await bench.until(lambda: bench.desk.tab == "Plan", "the plan")
        await bench.press("f4")
        await bench.say("/spilt")
        await bench.until(lambda: bench.panes[0].prompt.draft == "/spilt", "it is given back")
        bench.panes[0].prompt.draft = ""
        await bench.say("/split")
        await bench.until(lambda: len(bench.panes) == 2, "a second pane")


def test_an_unknown_slash_command_names_the_nearest():
    assert slash("/spilt") == "/spilt is no command: did you mean /split?"
    assert slash("/") == "/ is no command: ^p lists all."


def test_every_command_has_help_and_no_key_that_terminals_confuse():
    keys = [key for one in COMMANDS for key in one.key.split(",") if key]
    assert len(keys) == len(set(keys))
    assert not set(keys) & set(SAME_BYTE)
    assert all(one.title and one.help and (one.key or one.slash) for one in COMMANDS)


async def test_help_names_the_focused_thing_and_its_keys(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("f1")
        await bench.until(lambda: isinstance(bench.app.screen, Help), "the help")
        words = [str(row.left) for row in bench.app.screen.query_one(RowList).rows]
        assert any("Save the config" in line for line in words)
        assert any("everywhere" in line for line in words)
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "closed")


async def test_a_keymap_file_changes_a_key(tmp_path: Path):
    keymap_path().parent.mkdir(parents=True)
    keymap_path().write_text("session.new: f11\nsessions.fork: x\nno.such: f2\n")
    async with workbench(tmp_path) as bench:
        await bench.session("f11")
        await bench.press("f3", "x")
        await bench.until(lambda: len(bench.panes) == 2, "forked")


async def test_configs_are_filtered_made_renamed_copied_and_deleted(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        rows = bench.main.query_one(ConfigList)
        await bench.press("f2", "c")
        await bench.until(lambda: isinstance(bench.app.screen, Pick), "the samples")
        await bench.press("enter")
        await bench.until(lambda: not isinstance(bench.app.screen, Pick | MainScreen), "the name")
        await bench.press("enter")
        await bench.until(lambda: bench.main.configs.config and bench.main.configs.config.name == "my-hello", "made")
        assert "name: my-hello" in bench.editor.text
        await bench.press("f2", "slash")
        await bench.type("my-")
        await bench.until(
            lambda: [r.left[1][0] for r in rows.entries.rows if not r.heading] == ["my-hello"], "filtered"
        )
        await bench.press("enter", "delete")
        await bench.until(lambda: rows.entries.rows == (), "deleted")
        await bench.press("u")
        await bench.until(lambda: len(rows.entries.rows) == 1, "and taken back")
        await bench.press("delete")
        await bench.until(lambda: rows.entries.rows == (), "deleted again")
        assert bench.shared.store.configs.find("my-hello")
        await bench.main.library.trash.empty()
        assert not bench.shared.store.configs.find("my-hello")


async def test_a_session_is_renamed_forked_and_deleted_from_the_list(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Ada" in bench.text_of(pane), "an answer")
        rows = bench.main.query_one(SessionList)
        await bench.press("f3", "r")
        await bench.until(lambda: not isinstance(bench.app.screen, MainScreen), "the title")
        await bench.press("end")
        await bench.type(" two")
        await bench.press("enter")
        await bench.until(lambda: pane.session_title == "my name is Ada two", "renamed")
        await bench.press("f3", "f")
        await bench.until(lambda: len(bench.panes) == 2, "forked")
        assert bench.text_of(bench.panes[1]) == bench.text_of(pane)
        await bench.press("f3", "delete")
        await bench.until(lambda: len(bench.panes) == 1 and len(rows.entries.rows) == 1, "deleted")
        await bench.press("u")
        await bench.until(lambda: len(bench.panes) == 2 and len(rows.entries.rows) == 2, "and taken back")
        await bench.press("f3", "delete")
        await bench.until(lambda: len(rows.entries.rows) == 1, "deleted again")
        assert bench.shared.store.sessions.list_sessions()[1] == 2
        await bench.main.chats.listed.trash.empty()
        assert bench.shared.store.sessions.list_sessions()[1] == 1


async def test_broadcast_sends_one_prompt_to_all_panes(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        one, two = await bench.session(), await bench.session("ctrl+t")
        await bench.press("alt+g")
        await bench.say("my name is Ada")
        await bench.until(lambda: "Ada" in bench.text_of(one) and "Ada" in bench.text_of(two), "both were told")


async def test_the_permission_mode_of_a_session_changes_with_a_key(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.press("shift+tab")
        await bench.until(lambda: pane.mode == "fast-edit", "the next mode")
        session = await bench.shared.sessions.get_session(pane.session_id)
        assert session is not None
        assert session.settings["permission_mode"] == "fast-edit"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_every_part_is_one_key_away_at_every_size(tmp_path: Path, size: tuple[int, int]):
    async with workbench(tmp_path, size) as bench:
        pane = await bench.session()
        for key, selector in (("f2", "ConfigList"), ("f3", "SessionList"), ("f7", "Desk"), ("f4", "PaneGrid")):
            await bench.press(key)
            part = bench.main.query_one(selector)
            await bench.until(lambda part=part: part.has_focus_within and part.region.area, f"{key} at {size}")  # type: ignore[misc]
        assert pane.prompt.has_focus
