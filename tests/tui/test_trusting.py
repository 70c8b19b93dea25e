"""What is held back is seen on the screen, and one page asks about it; nothing is trusted by accident."""

from __future__ import annotations

import sys
from pathlib import Path

from agent_workbench.configs.plan import Document, Origin
from agent_workbench.frontends.tui.screens.trust import TrustTexts, trust_lines
from agent_workbench.frontends.tui.widgets.lines import text_of
from agent_workbench.frontends.tui.widgets.problems import ProblemList
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.services.restraint import Held
from agent_workbench.services.trust import Doubt

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

THEIRS = """\
bundle: {name: theirs}
providers: [{module: provider-mock, config: {delay: 0, responses: [done]}}]
hooks: [{module: hook-shell, config: {hooks: {Stop: [{hooks: [{command: "touch ran"}]}]}}}]
"""


async def opened(bench: Bench) -> str:
    made = await bench.shared.configs.create_config("theirs", THEIRS, outside="https://x.example/theirs.yaml")
    await bench.main.configs.open(made.config_id)
    await bench.main.refresh_lists()
    return made.config_id


async def asked(bench: Bench) -> TrustTexts:
    await bench.until(lambda: isinstance(bench.app.screen, TrustTexts), "the page that asks")
    await bench.pilot.pause()
    screen = bench.app.screen
    assert isinstance(screen, TrustTexts)
    return screen


def is_outside(bench: Bench, config_id: str) -> bool:
    found = bench.shared.store.configs.get(config_id)
    return found is not None and found.outside


async def test_an_import_is_marked_shown_and_trusted_only_by_a_yes(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        config_id = await opened(bench)
        await bench.until(lambda: "not trusted" in bench.shown, "the badge")
        await bench.main.run_action("config('trust')")
        screen = await asked(bench)
        assert "run the program `touch ran`" in bench.shown
        assert screen.query_one(RowList).row.id == "no"  # type: ignore[union-attr]
        await bench.press("enter")
        await bench.until(lambda: bench.app.screen is bench.main, "no closes the page")
        assert is_outside(bench, config_id)
        await bench.main.run_action("config('trust')")
        await asked(bench)
        await bench.press("escape")
        await bench.until(lambda: bench.app.screen is bench.main, "escape closes the page")
        assert is_outside(bench, config_id)
        await bench.main.run_action("config('trust')")
        await asked(bench)
        await bench.press("down", "enter")
        await bench.until(lambda: not is_outside(bench, config_id), "yes trusts it")
        await bench.until(lambda: "not trusted" not in bench.shown, "the badge goes")


async def test_a_problem_that_says_what_is_held_back_leads_to_the_question(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await opened(bench)
        await bench.until(lambda: any(one.code == "trust" for one in bench.editor.problems), "the problem is found")
        await bench.main.run_action("tab('Problems')")
        await bench.until(lambda: "f asks you" in bench.shown, "the way out")
        bench.main.query_one(ProblemList).query_one(RowList).focus()
        await bench.press("f")
        await asked(bench)
        await bench.press("down", "enter")
        await bench.until(lambda: not any(one.code == "trust" for one in bench.editor.problems), "the problem is gone")


async def test_an_import_says_how_much_is_held_back(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        (bench.shared.workspace / "theirs.yaml").write_text(THEIRS)
        await bench.press("f2", "i")
        await bench.until(lambda: bench.dialog == "Import", "the question")
        await bench.type("theirs.yaml")
        await bench.press("enter")
        await bench.until(lambda: "Held back until you trust it: 1 thing of theirs." in bench.news, "what is held back")


async def test_a_session_says_once_what_it_does_without(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await opened(bench)
        await bench.session()
        await bench.say("go")
        await bench.until(lambda: "Held back until you trust" in bench.shown, "the line")
        await bench.until(lambda: "done" in bench.shown, "the answer")
        assert not (tmp_path / "work" / "ran").exists()


def test_nothing_that_a_text_says_is_obeyed_on_the_page():
    nasty = "\x1b]0;x\x07[@click=app.quit]\u202eevil\nline"
    document = Document("0" * 64, nasty, "https://x.example/" + nasty, True, f"a: {nasty}\n")
    held = Held("program", f"run the program {nasty}", "hooks[x]", Origin(nasty, 3, document="0" * 64))
    for width in (40, 80, 200):
        lines = trust_lines([Doubt(document, (held,), "a: 1\n")], width)
        shown = "\n".join(text_of(line) for line in lines)
        assert not any(char in shown for char in "\x1b\x07\u202e")
        assert all(len(text_of(line)) <= width for line in lines)
