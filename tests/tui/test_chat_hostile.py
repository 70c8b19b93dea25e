"""Whatever a model, a tool or a file says is shown as text: in every panel and page of the chats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from looks import HOSTILE, assert_inert
from textual.app import App
from textual.screen import ModalScreen

from agent_workbench.conversation.events import Notice, Retrying
from agent_workbench.conversation.messages import Image, Message, Text, ToolCall, ToolResult, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.screens.compare import Compare
from agent_workbench.frontends.tui.screens.confirm_change import ConfirmChange
from agent_workbench.frontends.tui.screens.console import Console
from agent_workbench.frontends.tui.screens.pick import options
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.screens.usage import usage_layout
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.services.accounts import Account, Accounts
from agent_workbench.services.comparing import Answered
from agent_workbench.services.console import Entry

USED = Usage(10, 10)
ANSWER = Answered("1", HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, USED, 1.0, (HOSTILE,), HOSTILE)


async def _nothing() -> str:
    return HOSTILE


SCREENS: dict[str, Callable[[], ModalScreen[object]]] = {
    "compare": lambda: Compare([ANSWER, ANSWER]),
    "console": lambda: Console(HOSTILE, [Entry(datetime.now(UTC), HOSTILE, HOSTILE, HOSTILE, True)], _nothing),
    "confirm": lambda: ConfirmChange(HOSTILE, "a\n", f"a\n{HOSTILE}\n", options(("x", HOSTILE)), note=HOSTILE),
    "usage": lambda: Sheet(HOSTILE, usage_layout(Accounts(USED, (), (Account(HOSTILE, USED),), ())), note=HOSTILE),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
@pytest.mark.parametrize("name", SCREENS)
async def test_no_screen_passes_anything_on(name: str, size: tuple[int, int]):
    app: App[None] = App()
    async with app.run_test(size=size) as pilot:
        app.push_screen(SCREENS[name]())
        await pilot.pause()
        assert_inert(app)


async def test_the_lines_around_a_conversation_pass_nothing_on():
    class Host(App[None]):
        def compose(self):  # type: ignore[no-untyped-def]
            yield ChatPane(title=HOSTILE, model=HOSTILE, mode=HOSTILE)

    app = Host()
    async with app.run_test(size=(90, 60)) as pilot:
        pane = app.query_one(ChatPane)
        todo = ToolCall("1", "todo", {"todos": [{"content": HOSTILE, "status": "pending"}]})
        lane = ToolCall("2", "delegate", {"agent": HOSTILE, "instruction": HOSTILE})
        said = user(HOSTILE, Image("image/png", "", HOSTILE))
        file = Message("user", (Text("x"), Text(f'\n\n<file path="{HOSTILE}">\n{HOSTILE}\n</file>')))
        results = Message("tool", (ToolResult("1", HOSTILE), ToolResult("2", HOSTILE)))
        pane.load([said, file, Message("assistant", (todo, lane), HOSTILE), results], [(1, Notice(HOSTILE))])
        pane.set_waiting([HOSTILE], [HOSTILE])
        pane.find.start(HOSTILE)
        await pilot.pause()
        assert pane.todo.open
        assert_inert(app)
        pane.show(Retrying(1, 3, HOSTILE))
        await pilot.pause()
        assert_inert(app)
