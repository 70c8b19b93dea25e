"""Every screen, dialog and state of the workbench, with the way there from anywhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from textual.widgets import Input

from agent_workbench.conversation.events import (
    ApprovalRequired,
    Notice,
    Question,
    Retrying,
    StepStarted,
    TextDelta,
    ThinkingDelta,
    ToolOutput,
    ToolStarted,
    TurnFinished,
)
from agent_workbench.conversation.messages import Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.screens.compare import difference
from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.widgets.config_list import MARKS
from agent_workbench.frontends.tui.widgets.editor_pane import Completions
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.frontends.tui.widgets.session_list import STATES as SESSION_STATES
from agent_workbench.frontends.tui.widgets.tour import Tour

sys.path.insert(0, str(Path(__file__).parent))

from seen import Step, revision
from test_keys_of_dialogs import DIALOGS, command, in_text, made
from test_keys_of_lists_and_text import PLACES
from workbench import Bench

USED = Usage(3100, 412, cost=Decimal("0.012"))
DIFF = "--- a/scan.py\n+++ b/scan.py\n@@ -1,2 +1,3 @@\n def scan(text):\n-    tab = 1\n+    tab = 4\n+    column = 2\n"
TODOS = [{"content": "read the scanner", "status": "completed"}, {"content": "fix the tabs", "status": "in_progress"},
         {"content": "run the tests", "status": "pending"}]  # fmt: skip
SAID = [
    user("Why does the parser accept tabs?"),
    Message(
        "assistant",
        (
            Thinking("The scanner treats them as one column."),
            Text("It **accepts** them.\n\n- one\n  - two\n    - three\n\n> as said\n\n- [x] done\n- [ ] open\n\n---\n"),
            Text("| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\ncolumn += 1\n```"),
            ToolCall("1", "bash", {"command": "pytest -q"}),
            ToolCall("2", "delegate", {"agent": "explorer", "instruction": "find who calls scan"}),
            ToolCall("3", "todo", {"todos": TODOS}),
            ToolCall("4", "write_file", {"path": "x"}),
            ToolCall("5", "edit_file", {"path": "scan.py"}),
            ToolCall("6", "read_file", {"path": "scan.py"}),
        ),
        "model-x",
        "tool_calls",
    ),
    Message(
        "tool",
        (
            ToolResult("1", "2 failed", True, details={"exit_code": 1}),
            ToolResult("2", "scan() is called by parse()."),
            ToolResult("3", "3 todos", details={"todos": TODOS}),
            ToolResult("4", "Denied by the person.", True),
            ToolResult("5", "written", details={"diff": DIFF}),
            ToolResult("6", "def scan(text): ..."),
        ),
    ),
]
QUESTION = Question(
    ToolCall("9", "edit_file", {"path": "scan.py"}), "edits ask", DIFF, "diff", ("/work/scan.py",),
    ("allow", "allow_session", "allow_always"), ("edit_file(scan.py)",),
)  # fmt: skip
COMMAND = replace(QUESTION, call=ToolCall("10", "bash", {"command": "ls"}), preview="ls", preview_kind="command")
RUNNING = ToolCall("7", "bash", {"command": "sleep 9"})


async def pane(bench: Bench) -> SessionPane:
    """Return the first pane, with a conversation in it and the focus in its prompt."""
    one = bench.panes[0] if bench.panes else await bench.session()
    await bench.press("alt+1")
    one.find.open = False
    one.prompt.draft = ""
    one.set_state("idle")
    one.set_waiting(())
    one.load(SAID)
    one.set_meter(USED, context_tokens=190_000, context_window=200_000)
    one.prompt.focus()
    await bench.until(lambda: one.prompt.has_focus, "the prompt has the focus")
    return one


def chat(*events: object) -> Step:
    """Return what shows events in the first pane."""

    async def there(bench: Bench) -> None:
        one = await pane(bench)
        for event in events:
            one.show(event)  # type: ignore[arg-type]
        one.transcript.paint()
        await bench.pilot.pause()

    return there


def asking(*questions: Question) -> Step:
    """Return what asks in the first pane."""

    async def there(bench: Bench) -> None:
        one = await pane(bench)
        for question in questions:
            one.show(ApprovalRequired(question))
        await bench.answerable(one)

    return there


async def refusing(bench: Bench) -> None:
    await asking(QUESTION)(bench)
    await bench.press("n")
    await bench.until(lambda: bench.panes[0].question.refusing, "the reason")


async def said(bench: Bench) -> None:
    one = await pane(bench)
    one.transcript.focus()
    await bench.until(lambda: one.transcript.has_focus, "what was said has the focus")
    await bench.press("home", "down", "enter")


async def found(bench: Bench) -> None:
    await pane(bench)
    await bench.press("ctrl+f", *"tab")
    await bench.until(lambda: re.search(r"\b\d+ of \d+\b", bench.shown), "they are counted")


async def offers(bench: Bench) -> None:
    one = await pane(bench)
    await bench.type("/co")
    await bench.until(lambda: one.prompt.offers.open, "commands are offered")


async def waiting(bench: Bench) -> None:
    one = await pane(bench)
    one.set_waiting(["and then the tests"], ["keep it small"])


async def four(bench: Bench) -> None:
    await as_saved(bench)
    while len(bench.panes) < 4:
        await bench.session()
    await bench.press("alt+2")
    await bench.until(lambda: bench.panes[1].prompt.has_focus, "the second")


async def broadcast(bench: Bench) -> None:
    await four(bench)
    await bench.main.run_action("do('broadcast')")
    await bench.until(lambda: "all panes" in bench.shown, "to all")


async def no_broadcast(bench: Bench) -> None:
    await bench.main.run_action("do('broadcast')")


def in_every_state() -> Pick:
    rows = [Row(name, [sign, (name, "")], [(word, "muted")]) for name, (sign, word) in SESSION_STATES.items()]
    return Pick("Sessions", [*rows, *(Row(name, [sign, (name, "")]) for name, sign in MARKS.items())])


async def filtering(bench: Bench) -> None:
    await bench.press("f2", "slash", "o")
    await bench.until(lambda: isinstance(bench.main.focused, Input), "the filter")


async def problems_in_text(bench: Bench) -> None:
    await PLACES["YamlEditor"].there(bench)
    bench.editor.go_to(6, 14)


async def completing(bench: Bench) -> None:
    await PLACES["YamlEditor"].there(bench)
    bench.editor.go_to(5, 13)
    await bench.press("ctrl+@")
    await bench.until(lambda: bench.main.query_one(Completions).is_open, "the list is open")
    await bench.press("down")


async def answered(bench: Bench) -> None:
    one = await bench.session()
    await bench.say("hi")
    await bench.until(lambda: not one.busy and "mock" in bench.shown, "an answer")


async def as_saved(bench: Bench) -> None:
    """Go to the text, with nothing unsaved in it."""
    await in_text(bench)
    config = bench.main.configs.config
    assert config is not None
    bench.editor.load(config.yaml_content)


async def saved(bench: Bench) -> None:
    await as_saved(bench)
    bench.editor.go_to(1)
    await bench.press("#", "ctrl+s")
    await bench.until(lambda: revision(bench) > 1, "another revision")


async def selecting(bench: Bench) -> None:
    await PLACES["YamlEditor"].there(bench)
    await bench.press("shift+down", "shift+right")


async def columns(bench: Bench) -> None:
    await PLACES["History"].there(bench)
    view = bench.main.query_one(History)
    view.action_columns()
    await bench.pilot.pause()


async def back_in_lines(bench: Bench) -> None:
    bench.main.query_one(History).action_columns()


async def adding(bench: Bench) -> None:
    await DIALOGS["AddEntry"].there(bench)
    await bench.type("bash")
    await bench.until(lambda: bench.app.screen.query("FieldRow") and "+" in bench.shown, "the change")
    await bench.press("tab")


async def told(bench: Bench) -> None:
    await PLACES["YamlEditor"].there(bench)
    bench.main.tell("session.new and chat.find would both be ctrl+n", title="Not used", severity="warning")
    await bench.until(lambda: "would both be" in bench.shown, "it is said")


async def touring(bench: Bench) -> None:
    await PLACES["YamlEditor"].there(bench)
    bench.main.query_one(Tour).begin()
    await bench.pilot.pause()


async def no_tour(bench: Bench) -> None:
    bench.main.query_one(Tour).end()


STATES: Mapping[str, Step] = {
    "nothing runs": in_text,
    "an answer": answered,
    "the configs": PLACES["RowList"].there,
    "a filter": filtering,
    "the text with problems": problems_in_text,
    "a selection": selecting,
    "completions": completing,
    "find in the text": PLACES["FindBar"].there,
    "the plan": PLACES["PlanView"].there,
    "the problems": PLACES["ProblemList"].there,
    "it is saved": saved,
    "the history": PLACES["History"].there,
    "the history in two columns": columns,
    "the history in one": back_in_lines,
    **{f"the dialog {name}": place.there for name, place in DIALOGS.items() if name not in ("Choice", "AddEntry")},
    "adding a tool": adding,
    "the commands": command("do('palette')", "Commands"),
    "what saving changes": command("effect", "What saving"),
    "two answers": made(lambda: Sheet("1 → 2", difference("one\ntwo\n", "one\nthree\n"))),
    "usage": command("chat('usage')", "Usage"),
    "something said": told,
    "the tour": touring,
    "no tour": no_tour,
    "a conversation": chat(),
    "a block of it": said,
    "a find in it": found,
    "offers": offers,
    "words that wait": waiting,
    "thinking": chat(StepStarted(2, "model-x"), ThinkingDelta("Let me\n\nsee")),
    "writing": chat(StepStarted(2, "model-x"), TextDelta("The first.\n\nThe sec")),
    "a tool that runs": chat(StepStarted(2, "model-x"), ToolStarted(RUNNING), ToolOutput("7", "half\n")),
    "a retry": chat(Retrying(2, 12, "429 rate limited")),
    "notices": chat(Notice("the conversation is too long: sending less of it", "warning"), Notice("so it is")),
    "a failure": chat(TurnFinished("failed", error="the key is not valid")),
    "a question": asking(QUESTION),
    "two questions": asking(QUESTION, COMMAND),
    "a refusal": refusing,
    "no question": chat(TurnFinished("cancelled")),
    "limits": command("chat('limits')", "What one turn"),
    "four panes": four,
    "all panes at once": broadcast,
    "one at a time again": no_broadcast,
    "every state of a session and a config": made(in_every_state),
    "the sessions": PLACES["SessionList"].there,
}
"""In this order: a state may use what the one before it left."""
