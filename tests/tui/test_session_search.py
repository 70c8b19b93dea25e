"""The session list searches what was said: the words around it are shown, and enter goes there."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from workbench import Bench, workbench

from agent_workbench.conversation.messages import Message, Text, ToolCall, ToolResult, user
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.lines import text_of
from agent_workbench.frontends.tui.widgets.session_list import SessionList, excerpt_line, session_rows
from agent_workbench.storage.records import Hit, Session

SAID = [
    message
    for number in range(60)
    for message in (
        user(f"question {number}"),
        Message("assistant", (Text(f"answer {number} {'with a zebra' if number == 20 else ''}"),), "m", "end"),
    )
]


@pytest.mark.parametrize(
    ("excerpt", "words", "width", "expected", "marked"),
    [
        pytest.param("a zebra is here", "zebra", 40, "a zebra is here", ["zebra"], id="all of it"),
        pytest.param("x" * 60 + " zebra there", "zebra", 20, "zebra", ["zebra"], id="cut to be in view"),
        pytest.param("Zebra and HORSE", "horse zebra", 40, "Zebra and HORSE", ["Zebra", "HORSE"], id="every word"),
        pytest.param("a \x1b[31mzebra", "zebra", 40, "␛[31m", ["zebra"], id="control characters are shown"),
    ],
)
def test_an_excerpt_marks_what_was_searched_for(
    excerpt: str, words: str, width: int, expected: str, marked: list[str]
) -> None:
    line = excerpt_line(excerpt, words, width)
    assert expected in text_of(line)
    assert [text for text, role in line if "found" in role] == marked
    assert text_of(line).find(marked[0]) + len(marked[0]) <= width


def listed(bench: Bench, word: str) -> bool:
    return word in bench.shown


def found_in(bench: Bench, session_id: str) -> bool:
    """Whether the pane of a session shows a find, with the focus in what was said."""
    pane = bench.panes[0] if bench.panes else None
    return pane is not None and pane.session_id == session_id and pane.transcript.has_focus and pane.find.open


async def test_a_search_shows_the_words_around_and_enter_goes_to_the_message(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        config = bench.shared.store.configs.list_configs()[0][0].config_id
        call = ToolCall("c1", "read_file", {"path": "a"})
        tooled = [Message("assistant", (call,), "m", "tool_calls"), Message("tool", (ToolResult("c1", "a giraffe"),))]
        make = bench.shared.store.sessions.create
        folder = str(bench.shared.workspace)
        made = make(config, title="long one", workspace=folder, messages=[*SAID, *tooled, *SAID[:40]])
        sessions = bench.main.query_one(SessionList)
        await bench.press("f3")
        for words, message in (("zebra", 41), ("giraffe", 121), ("zebra answer", 41)):
            sessions.query_one(LineInput).focus()
            sessions.query_one(LineInput).value = words
            await bench.until(partial(listed, bench, words.split()[0]), "the excerpt is listed")
            await bench.press("enter", "enter")
            await bench.until(lambda: found_in(bench, made.session_id), "the find is shown")
            pane = bench.panes[0]
            current = pane.transcript.current
            assert current is not None
            assert current.message in (message, message - 1)
            assert words.split()[0] in bench.shown
            await bench.press("escape")
            await bench.until(lambda: not found_in(bench, made.session_id), "escape ends the search")
            await bench.press("f3")


def test_a_session_that_was_found_by_its_title_has_no_excerpt() -> None:
    now = datetime.now(UTC)
    one, two = (Session(id, "c", "active", now, now, title="t") for id in ("s1", "s2"))
    rows = list(session_rows([one, two], hits={"s2": Hit("s2", 1, "a zebra")}, words="zebra", width=30))
    assert [(row.id, row.heading) for row in rows] == [("s1", False), ("s2", False), ("s2 found", True)]
