"""What a newcomer runs into: names that are suggested, keys that are missing, the first steps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.screens.pick import Name
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.paths import brief
from agent_workbench.services import keys as kept_keys

sys.path.insert(0, str(Path(__file__).parent))

from workbench import workbench

from agent_workbench.storage.glimpse import STATE


@pytest.mark.parametrize(
    ("keys", "given"),
    [((), "my-hello"), (("n", "e", "w"), "new"), (("right", "2"), "my-hello2"), (("end", "2"), "my-hello2"),
     (("backspace", "a"), "a")],
    ids=["taken", "typed over", "right keeps it", "end keeps it", "deleted"],
)  # fmt: skip
async def test_a_suggested_name_goes_when_something_is_typed(keys: tuple[str, ...], given: str, tmp_path: Path):
    async with workbench(tmp_path) as bench:
        answers: list[str | None] = []
        bench.app.push_screen(Name("Name of the new config", "my-hello"), answers.append)
        await bench.until(lambda: bench.dialog, "the dialog")
        await bench.press(*keys, "enter")
        await bench.until(lambda: answers, "an answer")
        assert answers == [given]


KEY = "AWB_TEST_ANTHROPIC_KEY"


@pytest.mark.parametrize("start", ["f5", "ctrl+n"])
async def test_a_key_that_is_missing_is_asked_for_and_the_session_starts(start: str, tmp_path: Path, no_ring: None):
    async with workbench(tmp_path) as bench:
        config = await bench.shared.configs.find_config("anthropic")
        text = config.yaml_content.replace("ANTHROPIC_API_KEY", KEY)
        await bench.shared.configs.update_config(config.config_id, yaml_content=text)
        bench.main.run_worker(bench.main.configs.open(config.config_id, ask=False))
        await bench.until(lambda: KEY in bench.editor.text, "the config is on the desk")
        await bench.press(start)
        await bench.until(lambda: bench.dialog == KEY, "the key is asked for")
        await bench.type("sk-not-shown")
        assert "sk-not" not in bench.shown
        await bench.press("enter")
        try:
            await bench.until(lambda: bench.panes, "the session starts")
            await bench.until(lambda: "until you quit" in bench.news, "and it is said where the key is")
            assert kept_keys.environment()[KEY] == "sk-not-shown"
        finally:
            kept_keys.forget(KEY)


async def test_a_key_that_is_not_given_leaves_what_is_wrong_on_the_screen(tmp_path: Path, no_ring: None):
    async with workbench(tmp_path) as bench:
        config = await bench.shared.configs.find_config("anthropic")
        text = config.yaml_content.replace("ANTHROPIC_API_KEY", KEY)
        await bench.shared.configs.update_config(config.config_id, yaml_content=text)
        bench.main.run_worker(bench.main.configs.open(config.config_id, ask=False))
        await bench.until(lambda: KEY in bench.editor.text, "the config is on the desk")
        await bench.press("f5")
        await bench.until(lambda: bench.dialog == KEY, "the key is asked for")
        await bench.press("escape")
        await bench.until(lambda: bench.desk.tab == "Problems" and not bench.panes, "the problems")


async def test_what_is_open_is_remembered_while_the_program_runs(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        other = await bench.session("ctrl+t")
        wanted = [pane.session_id, other.session_id]

        def kept() -> object:
            return bench.shared.remembered.recall_now(STATE, {}).get("sessions")

        await bench.until(lambda: kept() == wanted, "both panes are there after a kill")


async def test_a_new_session_says_in_which_folder_it_works(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.until(lambda: "work." in bench.shown, "the folder's name")


@pytest.mark.parametrize(
    ("folder", "told"),
    [("~", "~"), ("~/a/b", "~/a/b"), ("/srv/x", "/srv/x"), (f"/srv/{'long' * 10}/here", "…/here")],
)
def test_a_folder_is_written_as_people_do(folder: str, told: str):
    assert brief(Path(folder).expanduser()) == told


@pytest.mark.parametrize("start", ["f5", "ctrl+n"])
async def test_in_the_list_a_session_starts_of_the_config_under_the_cursor(start: str, tmp_path: Path):
    async with workbench(tmp_path) as bench:
        made = await bench.shared.configs.create_config("another", "providers:\n  - module: provider-mock\n")
        await bench.main.refresh_lists()
        rows = bench.main.query_one(ConfigList).entries
        await bench.press("f2")
        rows.go_to(made.config_id)
        await bench.until(lambda: rows.has_focus and rows.row and rows.row.id == made.config_id, "on its row")
        await bench.session(start)
        session = await bench.shared.sessions.get_session(bench.panes[0].session_id)
        assert session is not None
        assert session.config_id == made.config_id


async def test_a_narrow_pane_cuts_what_is_said_of_a_command_and_not_its_name(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.type("/add-")
        await bench.until(lambda: "/add-include" in bench.shown, "the offers")
        for name in ("/add-tool", "/add-hook", "/add-agent"):
            assert name in bench.shown
