"""What the screen does with configs: entries, fixes, secrets, files, tags, links, and what a save changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from agent_workbench.configs.plan import Origin
from agent_workbench.frontends.tui import overview
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.screens.pick import Name, Pick
from agent_workbench.frontends.tui.screens.sheet import Sheet, SheetView
from agent_workbench.frontends.tui.screens.source import SourceView
from agent_workbench.frontends.tui.widgets.change_view import ChangeView
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.editor_pane import EditorPane
from agent_workbench.frontends.tui.widgets.form import Form
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.row_list import RowList

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


async def dialog(bench: Bench, kind: type[Any]) -> Any:
    await bench.until(lambda: isinstance(bench.app.screen, kind), f"a {kind.__name__}")
    await bench.pilot.pause()
    return bench.app.screen


async def answer(bench: Bench, words: str) -> None:
    (await dialog(bench, Name)).query_one(LineInput).value = words
    await bench.press("enter")


async def pick(bench: Bench, id: str) -> None:
    rows = (await dialog(bench, Pick)).query_one(RowList)
    rows.put(rows.rows, at=id)
    await bench.press("enter")


def go_to(bench: Bench, words: str) -> None:
    bench.editor.go_to(next(n for n, line in enumerate(bench.editor.text.splitlines(), 1) if words in line))


async def test_an_entry_is_disabled_enabled_changed_and_removed_from_where_the_cursor_is(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        before = bench.editor.text
        go_to(bench, "tool-search")
        await bench.press("alt+d")
        await bench.until(lambda: "# - module: tool-search" in bench.editor.text, "commented out")
        await bench.press("alt+d")
        await bench.until(lambda: bench.editor.text == before, "and in again")
        go_to(bench, "delay: 0.03")
        await bench.press("alt+s")
        screen = await dialog(bench, AddEntry)
        await bench.until(lambda: screen.query(Form), "its settings")
        assert screen.query_one("#offers", RowList).row.id == "provider-mock"
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "closed")
        await bench.main.run_action("change('remove')")
        await bench.until(lambda: "provider-mock\n" not in bench.editor.text, "removed")
        await bench.press("ctrl+z")
        assert bench.editor.text == before


async def test_undo_walks_back_over_what_dialogs_changed_and_what_was_typed_between_them(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        texts = [bench.editor.text]

        async def step(words: str) -> None:
            await bench.until(lambda: words in bench.editor.text and isinstance(bench.app.screen, MainScreen), words)
            texts.append(bench.editor.text)

        await bench.press("alt+a")
        await pick(bench, "tool")
        screen = await dialog(bench, AddEntry)
        await bench.type("bash")
        await bench.until(lambda: screen.query_one("#offers", RowList).row.id == "tool-bash", "it is offered")
        await bench.press("enter")
        await step("- module: tool-bash")
        await bench.press("ctrl+home", "x")
        await step("x# A first agent")
        go_to(bench, "tool-search")
        await bench.press("alt+d")
        await step("# - module: tool-search")
        await bench.press("f1")
        await bench.until(lambda: not isinstance(bench.app.screen, MainScreen), "a dialog that changes nothing")
        await bench.press("ctrl+z")
        assert bench.editor.text == texts[-1], "what lies under a dialog stays"
        await bench.press("escape")
        await bench.until(lambda: bench.editor.has_focus, "closed")
        for text in reversed(texts[:-1]):
            await bench.press("ctrl+z")
            assert bench.editor.text == text
        for text in texts[1:]:
            await bench.press("ctrl+y")
            assert bench.editor.text == text


async def test_one_key_fixes_the_problem_of_the_line(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.replace_all(bench.editor.text.replace("tool-todo", "tool-tood"))
        await bench.until(lambda: bench.editor.problems, "the problem")
        go_to(bench, "tool-tood")
        await bench.press("f9")
        await bench.until(lambda: "tool-tood" not in bench.editor.text, "fixed")
        await bench.until(lambda: not bench.editor.problems, "no problem is left")
        bench.editor.replace_all(bench.editor.text.replace("tool-todo", "tool-tood").replace("-search", "-serach"))
        await bench.until(lambda: len(bench.editor.problems) == 2, "two problems")
        await bench.main.run_action("change('fix_all')")
        await bench.until(lambda: not bench.editor.problems, "all are fixed at once")


@pytest.mark.usefixtures("ring")
async def test_one_key_moves_a_secret_into_the_keyring(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        text = "providers:\n  - module: provider-anthropic\n    config:\n      api_key: sk-ant-very-secret-1234567890\n"
        bench.editor.replace_all(text)
        await bench.until(lambda: bench.editor.problem_at(3), "it is marked")
        bench.editor.go_to(4)
        await bench.press("f9")
        await bench.until(lambda: "api_key: ${ANTHROPIC_API_KEY}" in bench.editor.text, "a reference stands there")


async def test_secrets_in_comments_are_named_and_a_text_that_cannot_be_read_is_said(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.replace_all("tools: []\n# - module: tool-web\n#   api_key: sk-very-secret-1234567890\n")
        await bench.main.run_action("change('secrets')")
        await bench.until(lambda: "A secret stays in line 3, in what is commented out" in bench.news, "it is named")
        bench.editor.replace_all("tools: [\n")
        await bench.main.run_action("change('secrets')")
        await bench.until(lambda: "line 2" in bench.news or "2:1" in bench.news, "and where the text is broken")


async def test_a_config_is_imported_exported_tagged_copied_and_found(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        work = bench.shared.workspace
        (work / "mine.yaml").write_text("bundle:\n  name: mine\nproviders:\n  - module: provider-mock\n")
        await bench.press("f2", "i")
        await answer(bench, "mine.yaml")
        await bench.until(lambda: bench.main.configs.place["name"] == "mine", "imported and on the desk")
        await bench.press("f2", "t")
        await answer(bench, "/work team=red")
        config = await bench.shared.configs.find_config("mine")
        await bench.until(lambda: "team" in bench.shared.store.configs.get(config.config_id).tags, "tagged")  # type: ignore[union-attr]
        list_ = bench.main.query_one(ConfigList)
        list_.query_one(LineInput).value = "#team"
        await bench.until(lambda: [row.id for row in list_.entries.rows] == [config.config_id], "found by its tag")
        await bench.press("f2", "e")
        await answer(bench, "out.yaml")
        await bench.until(lambda: (work / "out.yaml").exists(), "exported")
        assert (work / "out.yaml").read_text() == config.yaml_content
        await bench.press("d")
        await answer(bench, "twin")
        await bench.until(lambda: bench.desk.border_title and "twin" in str(bench.desk.border_title), "copied and open")
        await bench.press("f2", "s")
        await bench.until(lambda: list_.sort == "name", "sorted")


async def test_a_save_says_what_changes_for_the_sessions_that_take_it(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.press("f7")
        bench.editor.replace_all(bench.editor.text.replace("delay: 0.03", "delay: 0.5"))
        await bench.main.run_action("effect")
        sheet = await dialog(bench, Sheet)
        await bench.until(lambda: "delay" in str(sheet.query_one(SheetView).lines), "the change as a plan")
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "closed")
        await bench.press("ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved")
        said = bench.news
        assert "1 session takes it at the next message" in said
        assert "delay: 0.03 → 0.5" in said


async def test_a_value_that_an_include_set_is_shown_in_its_text(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        (bench.shared.workspace / "base.yaml").write_text("bundle:\n  name: base\ntools:\n  - module: tool-bash\n")
        bench.editor.replace_all("includes:\n  - bundle: ./base.yaml\nproviders:\n  - module: provider-mock\n")
        plan = await bench.shared.configs.plan_text(bench.editor.text, **bench.main.configs.place)
        origin = plan.origins["tools[tool-bash]"][-1]
        bench.main.run_worker(bench.main.places.jump(origin))
        source = await dialog(bench, SourceView)
        await bench.until(lambda: source.query_one(YamlEditor).cursor_location[0] == origin.line - 1, "at the line")
        assert source.query_one(YamlEditor).read_only
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "closed")
        bench.main.run_worker(bench.main.places.jump(Origin("nowhere.yaml", 1)))
        await bench.until(lambda: "not here" in bench.news, "said")


async def test_a_linked_file_is_written_and_its_changes_are_asked_about(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.main.run_action("config('link')")
        await answer(bench, "hello.yaml")
        path = bench.shared.workspace / "hello.yaml"
        await bench.until(lambda: path.exists() and "linked" in bench.main.configs.config.tags, "linked")  # type: ignore[union-attr]
        await bench.type("# mine")
        await bench.press("ctrl+s")
        await bench.until(lambda: path.read_text().startswith("# mine"), "a save writes the file")
        path.write_text(path.read_text() + "# outside\n")
        await dialog(bench, Pick)
        await pick(bench, "look")
        await dialog(bench, Sheet)
        await bench.press("escape")
        await pick(bench, "theirs")
        await bench.until(lambda: bench.editor.text.endswith("# outside\n") and not bench.editor.dirty, "taken")
        await bench.main.run_action("config('unlink')")
        await bench.until(lambda: "linked" not in bench.main.configs.config.tags, "unlinked")  # type: ignore[union-attr]


async def test_history_stands_side_by_side_where_there_is_room(tmp_path: Path):
    async with workbench(tmp_path, (200, 50)) as bench:
        await bench.type("# two")
        await bench.press("ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved")
        await bench.press("f6", "f6", "f6")
        change = bench.desk.query_one("History ChangeView", ChangeView)
        await bench.until(lambda: any("│" in text for line in change.lines for text, _ in line), "two columns")
        await bench.press("s")
        await bench.until(lambda: not any(" │ " in text for line in change.lines for text, _ in line), "one column")


async def test_a_config_whose_variable_is_not_set_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with workbench(tmp_path) as bench:
        list_ = bench.main.query_one(ConfigList)

        def marked() -> set[str]:
            return {row.left[1][0] for row in list_.entries.rows if row.right and "needs key" in row.right[0][0]}

        await bench.until(lambda: "anthropic" in marked(), "it needs a key")
        assert "hello" not in marked()
        monkeypatch.setenv("ANTHROPIC_API_KEY", "set")
        await bench.shared.configs.create_config("another", "bundle: {name: another}\n")  # keys are looked for anew
        await bench.main.refresh_lists()
        await bench.main.overview.look_for_keys()
        await bench.until(lambda: "anthropic" not in marked(), "it has one")
        row = next(row for row in list_.entries.rows if "anthropic" in str(row.left))
        assert row.right[0][0] == "key set"


async def test_every_config_with_errors_is_marked_and_one_that_only_needs_a_key_is_not(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.shared.configs.create_config("broken", "includes: [./gone.yaml]\n")
        await bench.shared.configs.create_config("fine", "tools: []\n")
        await bench.main.refresh_lists()

        def marked() -> list[str]:
            rows = bench.main.query_one(ConfigList).entries.rows
            return [row.left[1][0] for row in rows if row.left[0][0].startswith("!")]

        await bench.until(lambda: marked() == ["broken"], "the one with an error, and no other")


async def test_a_config_is_judged_anew_when_what_it_includes_changes(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        include = bench.shared.workspace / "base.yaml"
        include.write_text("tools: []\n")
        await bench.shared.configs.create_config("above", "includes: [./base.yaml]\n")
        await bench.main.refresh_lists()

        def marked() -> bool:
            rows = bench.main.query_one(ConfigList).entries.rows
            return any(row.left[0][0].startswith("!") and row.left[1][0] == "above" for row in rows)

        await bench.until(lambda: not marked() and bench.main.overview.faulty.is_done, "all were looked at")
        include.write_text("tools: {}\n")
        await bench.until(marked, "the include has an error now")
        include.unlink()
        await bench.until(marked, "it is gone")
        include.write_text("hooks: []\n")
        await bench.until(lambda: not marked(), "it is right again")


async def test_a_config_is_renamed_in_its_text_too_where_the_person_wants_it(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.main.run_action("config('rename')")
        await answer(bench, "mine")
        await bench.until(lambda: "Rename hello to mine" in bench.dialog, "asked about the text")
        await bench.press("enter")
        await bench.until(lambda: "mine" in str(bench.desk.border_title), "renamed")
        await bench.until(lambda: "name: mine" in bench.editor.text, "in the text too")
        assert not bench.editor.dirty


async def test_what_is_typed_into_the_filter_line_again_takes_the_place_of_what_was(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        names = bench.main.query_one(ConfigList)
        await bench.press("f2", "slash", *"coding", "enter")
        await bench.until(lambda: names.words == "coding", "filtered")
        await bench.press("slash", *"team")
        await bench.until(lambda: names.words == "team", "filtered by the new words alone")


async def test_a_line_says_how_many_configs_are_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(overview, "LISTED", 3)
    async with workbench(tmp_path) as bench:
        rows = bench.main.query_one(ConfigList).entries
        await bench.until(lambda: "4 more: / finds them" in str(rows.rows[-1].left), "how many there are")
        await bench.press("f2", "end")
        assert rows.row is not None
        assert rows.row.id != "more"


async def test_the_lists_cursor_is_on_the_config_that_is_open(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        list_, work = bench.main.query_one(ConfigList), bench.main.configs

        def follows() -> bool:
            return bool(work.config and list_.entries.row and list_.entries.row.id == work.config.config_id)

        await bench.until(follows, "from the start")
        other = await bench.shared.configs.find_config("team")
        bench.main.run_worker(work.open(other.config_id))
        await bench.until(lambda: work.config is not None and work.config.name == "team" and follows(), "opened")
        await bench.press("f2", "down")
        at = list_.entries.cursor
        await bench.main.refresh_lists()
        assert list_.entries.cursor == at, "it does not jump while somebody moves in the list"
        await bench.press("enter")
        await bench.until(follows, "chosen")
        await bench.press("f2", "d")
        await answer(bench, "twin")
        await bench.until(lambda: work.config is not None and work.config.name == "twin" and follows(), "the copy")
        await bench.press("f2", "delete")
        await bench.until(lambda: work.config is not None and work.config.name != "twin" and follows(), "the next one")


async def test_the_desk_is_empty_when_the_last_config_is_deleted(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        work, list_ = bench.main.configs, bench.main.query_one(ConfigList)
        list_.query_one(LineInput).value = "hello"
        await bench.until(lambda: [row.id for row in list_.entries.rows] == [work.config and work.config.config_id], "")
        await bench.press("f2", "delete")
        await bench.until(lambda: work.config is None and bench.editor.text == "", "nothing is left")
        await bench.press("u")
        await bench.until(lambda: list_.entries.row is not None, "and back")


async def test_the_plan_of_a_broken_text_says_what_is_wrong_and_keeps_the_last_good_one(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.replace_all(bench.editor.text.replace("delay: 0.03", "delay: 0.04"))
        await bench.until(lambda: bench.main.configs.check(bench.editor.text) == (), "it is read")
        bench.editor.replace_all(bench.editor.text + "tools: [\n")
        await bench.press("f6")
        rows = bench.desk.query_one("PlanView RowList", RowList)
        await bench.until(lambda: rows.rows, "the plan")
        shown = ["".join(text for text, _ in row.left) for row in rows.rows]
        assert shown[0].startswith("● error")
        assert any("when it could be read" in line for line in shown)
        assert any("0.04" in line for line in shown), "the plan from before it broke"
        await bench.press("home", "enter")
        await bench.until(lambda: bench.desk.tab == "Edit" and bench.editor.cursor_location[0] > 5, "at its place")


async def test_a_save_of_somebody_else_is_told_at_once_and_merging_can_be_undone(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        config = bench.main.configs.config
        assert config is not None
        theirs = config.yaml_content + "# theirs\n"
        await bench.type("# mine ")
        mine = bench.editor.text
        bench.shared.store.configs.update(config.config_id, yaml_content=theirs, author="ada")
        await bench.until(lambda: "rev 2 is newer" in str(bench.desk.border_title), "it stands in the title")
        await bench.until(lambda: "ada saved revision 2" in bench.news, "said")
        assert bench.editor.text == mine, "what is typed stays"
        await bench.press("ctrl+s")
        await pick(bench, "merge")
        await bench.until(lambda: bench.editor.text.startswith("# mine") and "# theirs" in bench.editor.text, "merged")
        await bench.press("ctrl+z")
        assert bench.editor.text == mine
        await bench.press("ctrl+y", "ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved")
        saved = bench.shared.store.configs.get(config.config_id)
        assert saved is not None
        assert (saved.revision, saved.yaml_content) == (3, bench.editor.text)


async def test_a_save_of_somebody_else_is_shown_where_nothing_is_unsaved(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        config = bench.main.configs.config
        assert config is not None
        bench.editor.go_to(4)
        bench.shared.store.configs.update(config.config_id, yaml_content=config.yaml_content + "# theirs\n")
        await bench.until(lambda: bench.editor.text.endswith("# theirs\n"), "shown")
        assert not bench.editor.dirty
        assert bench.editor.cursor_location[0] == 3, "the cursor stays"
        await bench.press("ctrl+z")
        assert bench.editor.text == config.yaml_content


async def test_a_text_whose_config_was_deleted_is_kept_as_a_new_one(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        config = bench.main.configs.config
        assert config is not None
        await bench.type("# mine ")
        bench.shared.store.configs.delete(config.config_id)
        await bench.until(lambda: "Somebody deleted" in bench.news, "said")
        await bench.press("ctrl+s")
        await pick(bench, "new")
        await bench.until(lambda: not bench.editor.dirty, "kept")
        kept = await bench.shared.configs.find_config(config.name)
        assert kept.config_id != config.config_id
        assert kept.yaml_content.startswith("# mine ")


async def test_saving_is_not_offered_for_a_text_that_cannot_be_saved(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.replace_all(bench.editor.text + "tools: [\n")
        other = await bench.shared.configs.find_config("team")
        bench.main.run_worker(bench.main.configs.open(other.config_id))
        screen = await dialog(bench, Pick)
        assert [row.id for row in screen.query_one(RowList).rows] == ["draft", "discard", "stay"]
        assert "cannot be saved yet: line" in str(screen.query_one(".note", Static).content)
        await bench.press("enter")
        await bench.until(lambda: bench.main.configs.config.name == "team", "gone on")  # type: ignore[union-attr]


async def test_a_linked_file_that_changed_is_marked_in_the_list(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        other = await bench.shared.configs.find_config("team")
        path = bench.shared.workspace / "team.yaml"
        bench.shared.configs.links.link(other.config_id, path)
        list_ = bench.main.query_one(ConfigList)

        def badge() -> str:
            row = next(row for row in list_.entries.rows if row.id == other.config_id)
            return "".join(text for text, _ in row.right)

        path.write_text(path.read_text() + "# outside\n")
        await bench.until(lambda: badge() == "file changed", "marked")
        path.unlink()
        await bench.until(lambda: badge() == "file gone", "and gone")


async def test_two_revisions_and_two_configs_are_compared_as_plans(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.replace_all(bench.editor.text.replace("delay: 0.03", "delay: 0.5"))
        await bench.press("ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved")
        await bench.press("f6", "f6", "f6")
        await bench.until(lambda: bench.desk.query_one("History RowList", RowList).has_focus, "in the history")
        await bench.press("p")
        sheet = await dialog(bench, Sheet)
        await bench.until(lambda: "delay: 0.03 → 0.5" in str(sheet.query_one(SheetView).lines), "as plans")
        await bench.press("escape")
        await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "closed")
        await bench.main.run_action("config('compare')")
        await pick(bench, (await bench.shared.configs.find_config("writer")).config_id)
        sheet = await dialog(bench, Sheet)
        await bench.until(lambda: "provider-mock" in str(sheet.query_one(SheetView).lines), "the other config")


async def test_a_run_saves_what_is_written_and_says_so(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.type("# mine ")
        await bench.press("f5")
        await bench.until(lambda: len(bench.panes) == 1, "a session")
        config = bench.main.configs.config
        assert config is not None
        assert (config.revision, bench.editor.dirty) == (2, False)
        await bench.until(lambda: "Saved as revision 2" in bench.news, "said")


async def test_the_editor_offers_the_other_configs_and_the_files_of_the_folder(tmp_path: Path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "rules.md").write_text("Be kind.\n")
    async with workbench(tmp_path) as bench:
        pane = bench.main.query_one(EditorPane)
        await bench.until(lambda: pane.known.files, "the folder was looked at")
        bench.editor.replace_all("includes:\n  - bundle: config:")
        bench.editor.focus()
        bench.editor.move_cursor(bench.editor.document.end)
        await bench.press("ctrl+@")
        await bench.until(lambda: "config:local" in [one.label for one in pane.completions.offered], "other configs")
        await bench.press("escape")
        bench.editor.replace_all("context:\n  include:\n    - ")
        bench.editor.move_cursor(bench.editor.document.end)
        await bench.press("ctrl+@")
        await bench.until(lambda: [one.label for one in pane.completions.offered] == ["rules.md"], "the folder's files")
