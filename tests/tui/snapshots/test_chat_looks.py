"""Pictures of the chats: what a pane shows in its states, and the pages over it, at the three sizes."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

import agent_workbench.frontends.tui as tui
from agent_workbench.conversation.events import ApprovalRequired, Notice, Question, Retrying, StepStarted, TextDelta
from agent_workbench.conversation.messages import Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.screens.compare import Compare
from agent_workbench.frontends.tui.screens.confirm_change import ConfirmChange
from agent_workbench.frontends.tui.screens.console import Console
from agent_workbench.frontends.tui.screens.pick import options
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.screens.usage import usage_layout
from agent_workbench.frontends.tui.themes import DEFAULT, load_themes
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.tool_card import ToolBlock
from agent_workbench.services.accounts import Account, Accounts
from agent_workbench.services.comparing import Answered
from agent_workbench.services.console import Entry

sys.path.insert(0, str(Path(__file__).parents[1]))

from looks import settled

SIZES = [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in ((80, 24), (120, 40), (200, 50))]
USED = Usage(3100, 412, cost=Decimal("0.012"))
DIFF = """\
--- a/src/scan.py
+++ b/src/scan.py
@@ -1,3 +1,4 @@
 def scan(text):
-    if ch == "tab":
+    if ch == "tab" and not flow:
+        column += 1
     return text
"""
TODOS = [{"content": "read the scanner", "status": "completed"}, {"content": "fix the tabs", "status": "in_progress"},
         {"content": "run the tests", "status": "pending"}]  # fmt: skip
SAID = [
    user("Why does the parser accept tabs?"),
    Message(
        "assistant",
        (
            Thinking("The scanner treats them as one column."),
            Text("It does not **reject** them: `scan()` treats a tab as one column.\n\n```python\ncolumn += 1\n```"),
            ToolCall("1", "bash", {"command": "pytest -q tests/scan"}),
            ToolCall("2", "delegate", {"agent": "explorer", "instruction": "find who calls scan"}),
            ToolCall("3", "todo", {"todos": TODOS}),
            ToolCall("4", "write_file", {"path": "x"}),
        ),
        "model-x",
        "tool_calls",
    ),
    Message(
        "tool",
        (
            ToolResult("1", "2 failed", True, details={"exit_code": 1}),
            ToolResult("2", "scan() is called by parse() and by lint()."),
            ToolResult("3", "3 todos", details={"todos": TODOS}),
            ToolResult("4", "Denied by the person.", True),
        ),
    ),
]
QUESTION = Question(
    ToolCall("9", "edit_file", {"path": "src/scan.py"}), "edits ask", DIFF, "diff", ("/work/src/scan.py",),
    ("allow", "allow_session", "allow_always"), ("edit_file(src/scan.py)",),
)  # fmt: skip


class Host(App[None]):
    CSS_PATH = Path(tui.__file__).parent / "styles" / "main.tcss"

    def compose(self) -> ComposeResult:
        # by a clock that goes, a slow machine counts a retry down before the picture is taken
        yield ChatPane(title="refactor the parser", model="model-x", clock=lambda: 0.0)

    def on_mount(self) -> None:
        self.register_theme(load_themes().by_name[DEFAULT])
        self.theme = DEFAULT
        self.pane.prompt.focus()
        self.pane.load(SAID)
        self.pane.set_meter(USED, context_tokens=24_000, context_window=200_000)

    @property
    def pane(self) -> ChatPane:
        return self.query_one(ChatPane)


async def question(app: Host) -> None:
    app.pane.transcript.put_tool(ToolBlock(QUESTION.call, "waiting"), soon=False)
    app.pane.show(ApprovalRequired(QUESTION))


async def waiting(app: Host) -> None:
    app.pane.show(StepStarted(2, "model-x"))
    app.pane.show(TextDelta("The lexer folds"))
    app.pane.set_waiting(["and then run the tests", "and commit"], ["keep it small"])


async def found(app: Host) -> None:
    app.pane.find.start("tab")


async def retry(app: Host) -> None:
    app.pane.show(Notice("the conversation is too long for the model: sending less of it", "warning"))
    app.pane.show(Retrying(2, 12, "429 rate limited"))


ANSWERS = [
    Answered("1", "a", "model-x", 7, "Why does the parser accept tabs?", "It does not *reject* them.\n" * 9, USED, 6.1,
             ("read_file", "edit_file")),
    Answered("2", "b", "model-y", 8, "Why does the parser accept tabs?", "The lexer folds them.", Usage(29, 380), 4.4),
    Answered("3", "c", "local", 7, "Why does the parser accept tabs?", "", Usage(), None, (), "running"),
]  # fmt: skip
DAYS = tuple(
    Account(f"2026-11-{n:02}", Usage(900 * n, 90, cost=Decimal(n % 7) / 50) if n % 5 else Usage(), n % 5)
    for n in range(1, 31)
)
ACCOUNTS = Accounts(USED, DAYS, (Account("coding", USED), Account("reviewer", USED)), (Account("fix tabs", USED),) * 3)
AT = datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC)
ENTRIES = [
    Entry(AT, "reply", "usage input_tokens=3100 output_tokens=412 · request_id req_1", "{}"),
    Entry(AT, "retrying", "attempt 2 · delay_s 12 · reason 429 rate limited", "{}", True),
    Entry(AT, "user", "Why does the parser accept tabs?", "{}"),
]


async def _request() -> str:
    return "{}"


PAGES: dict[str, Callable[[], Any]] = {
    "compare": lambda: Compare(ANSWERS, 1),
    "usage": lambda: Sheet("Usage", usage_layout(ACCOUNTS)),
    "console": lambda: Console("refactor the parser", ENTRIES, _request),
    "always": lambda: ConfirmChange(
        "Allow always: edit_file(src/**)", "bundle:\n  name: x\n", "bundle:\n  name: x\nsession:\n  permissions:\n",
        options(("save", "Save this to the config and allow"), ("back", "Back to the question")), note="From now on…",
    ),
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", [question, waiting, found, retry], ids=lambda state: state.__name__)
def test_a_pane(snap_compare: Any, state: Callable[[Host], Awaitable[None]], size: tuple[int, int]):
    app = Host()

    async def before(pilot: Pilot[None]) -> None:
        await state(app)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page(snap_compare: Any, page: str, size: tuple[int, int]):
    app = Host()

    async def before(pilot: Pilot[None]) -> None:
        app.push_screen(PAGES[page]())
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)
