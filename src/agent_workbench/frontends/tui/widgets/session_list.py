"""The sessions, newest first, with the state of each as a sign and a word."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.lines import Run
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.storage.records import Session

#: A sign and a word for each state; nothing is said of what is idle.
STATES: Mapping[str, tuple[Run, str]] = {
    "needs you": (("? ", "warn"), "needs you"),
    "running": (("● ", "state"), "running"),
    "interrupted": (("! ", "bad"), "interrupted"),
    "unread": (("• ", "strong"), "new"),
    "idle": (("  ", ""), ""),
}


def session_rows(
    sessions: Sequence[Session],
    *,
    running: Collection[str] = (),
    asking: Collection[str] = (),
    unread: Collection[str] = (),
    open_in: Mapping[str, int] = {},
) -> Iterator[Row]:
    """Yield a row for each session; `open_in` says in which pane one is shown."""
    for session in sessions:
        id = session.session_id
        state: str = session.state
        if id in asking or session.needs_you:
            state = "needs you"
        elif id in running:
            state = "running"
        elif id in unread and state == "idle":
            state = "unread"
        sign, word = STATES[state]
        title = (clean_line(session.title) or "new session", "" if session.title else "muted")
        pane = f" {open_in[id]}" if id in open_in else ""
        right = word or clean_line(session.config_name, 14)
        yield Row(id, [sign, title], [(right, "muted"), (pane, "strong")])


class SessionList(Browser):
    """The session list."""

    TITLE = "Sessions"
    FILTER = "search what was said"
    EMPTY = "No session yet.\nctrl+n starts one"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sessions.rename", "r", "ask('rename')", "rename", "Give the session a title"),
        bind("sessions.fork", "f", "ask('fork')", "fork", "Go on from here in a session of its own"),
        bind("sessions.delete", "delete", "ask('delete')", "delete", "Delete the session with all that was said"),
    ]
