"""Going in the text: to what it names, to its parts, and back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from agent_workbench.frontends.tui.widgets.editor import YamlEditor

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

TEXT = """\
bundle:
  name: hello
includes:
  - bundle: ./base.yaml
  - bundle: config:local
  - bundle: ./gone.yaml
agents:
  include: [scout]
  writer:
    description: writes
context:
  include:
    - rules.md
providers:
  - module: provider-mock
    config:
      model: ${A_MODEL}
tools:
  - module: tool-nothing
"""
FILES: Mapping[str, str] = {
    "base.yaml": "bundle:\n  name: base\ntools:\n  - module: tool-bash\nagents:\n  helper:\n    description: helps\n",
    "agents/scout.md": "---\nmeta:\n  name: scout\n  description: looks\n---\nLook around.\n",
    "rules.md": "Be kind.\n",
}
#: Where the cursor is, and what is on the screen after the key.
WHERE = {
    "an include of another's": ("./base.yaml", "description: helps"),
    "an include that is missing": ("./gone", "gone.yaml: "),
    "an agent's file": ("scout]", "Look around."),
    "a context file": ("rules.md", "Be kind."),
    "a module": ("provider-mock", "responses"),
    "a variable": ("A_MODEL", "A_MODEL is not set"),
    "a module that nobody knows": ("tool-nothing", "No module tool-nothing"),
    "nothing that is named": ("hello", "Put the cursor on"),
}


async def begin(bench: Bench, words: str) -> tuple[int, int]:
    """Put the text on the desk, with the cursor on some words of it."""
    for name, text in FILES.items():
        path = bench.shared.workspace / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    await bench.press("f7")
    await bench.until(lambda: bench.editor.has_focus, "the text has the focus")
    bench.editor.replace_all(TEXT)
    before = TEXT[: TEXT.index(words)]
    bench.editor.go_to(before.count("\n") + 1, len(before) - before.rfind("\n") + 1)
    return bench.editor.cursor_location


async def test_the_key_goes_to_what_the_cursor_is_on(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        for words, seen in WHERE.values():
            at = await begin(bench, words)
            await bench.press("alt+i")
            await bench.until(lambda seen=seen: seen in bench.shown or seen in bench.news, f"{words}: {seen}")
            await bench.home()
            assert bench.editor.cursor_location == at, "the way back is to close what was opened"


async def test_a_config_of_ones_own_is_opened_and_the_key_leads_back(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        at = await begin(bench, "config:local")
        name = bench.main.configs.config.name if bench.main.configs.config else ""
        await bench.press("ctrl+s")
        await bench.until(lambda: not bench.editor.dirty, "saved")
        await bench.press("alt+i")
        await bench.until(lambda: "local" in str(bench.desk.border_title), "the other config is on the desk")
        await bench.press("alt+w")
        await bench.until(lambda: name in str(bench.desk.border_title), "back in the first one")
        await bench.until(lambda: bench.editor.cursor_location == at, "where the jump began")
        await bench.press("alt+w")
        await bench.until(lambda: "No jump leads back" in bench.news, "said")


async def test_an_agent_that_is_written_here_is_gone_to(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        at = await begin(bench, "writer:")
        await bench.press("alt+i")
        await bench.until(lambda: bench.editor.cursor_location == (at[0], 0), "the line of the agent")


async def test_sections_are_listed_and_gone_to(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        at = await begin(bench, "./base")
        await bench.press("alt+t")
        await bench.until(lambda: bench.dialog == "Go to a section", "the list")
        await bench.type("mock")
        await bench.press("enter")
        await bench.until(lambda: bench.editor.has_focus, "back in the text")
        line = TEXT[: TEXT.index("- module: provider-mock")].count("\n")
        await bench.until(lambda: bench.editor.cursor_location[0] == line, "at the entry")
        await bench.press("alt+w")
        await bench.until(lambda: bench.editor.cursor_location == at, "and back")


async def test_enter_in_the_plan_on_what_an_include_set_shows_its_text(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await begin(bench, "name")
        await bench.main.run_action("tab('Plan')")
        await bench.until(lambda: "tool-bash" in bench.shown, "the plan")
        rows = bench.main.query_one("PlanView RowList")
        rows.go_to("tools[tool-bash]")
        await bench.press("enter")
        await bench.until(lambda: "base.yaml:4" in bench.dialog, "the include, at the line that set it")
        source = bench.app.screen.query_one(YamlEditor)
        await bench.until(lambda: source.cursor_location[0] == 3, "at the line")


async def test_a_text_without_sections_says_so(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await begin(bench, "name")
        bench.editor.replace_all("# nothing yet\n")
        await bench.press("alt+t")
        await bench.until(lambda: "no sections yet" in bench.news, "said")
