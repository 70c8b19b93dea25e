"""The guide to the screen names every key of the chats, with its id."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from agent_workbench.frontends.tui.screens.compare import Compare
from agent_workbench.frontends.tui.screens.confirm_change import ConfirmChange
from agent_workbench.frontends.tui.screens.console import Console
from agent_workbench.frontends.tui.screens.sheet import SheetView
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.find_line import FindLine
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.prompt import PromptArea
from agent_workbench.frontends.tui.widgets.question import QuestionCard
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.frontends.tui.widgets.transcript import Transcript

PAGE = (Path(__file__).parents[2] / "docs" / "workbench.md").read_text("utf-8")
PARTS: tuple[type[DOMNode], ...] = (
    PromptArea, ChatPane, PaneGrid, Transcript, FindLine, QuestionCard, SessionList, Compare, Console, SheetView,
    ConfirmChange,
)  # fmt: skip
KEYS = [
    one
    for part in PARTS
    for one in part.__dict__["BINDINGS"]
    if isinstance(one, Binding) and one.id and not one.id.startswith("dialog.")
]


@pytest.mark.parametrize("binding", KEYS, ids=lambda binding: binding.id)
def test_the_page_has_a_line_for_the_key(binding: Binding):
    line = next((line for line in PAGE.splitlines() if line.endswith(f"`{binding.id}` |")), "")
    assert all(f"`{key.strip()}`" in line for key in binding.key.split(","))
    assert (binding.tooltip or binding.description) in line


def test_no_two_parts_share_an_id():
    ids = [one.id for one in KEYS]
    assert len(ids) == len(set(ids))
