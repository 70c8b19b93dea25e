"""The sessions, newest first, with the state of each as a sign and a word."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.content import Content

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.lines import Line, Run, width_of
from agent_workbench.frontends.tui.widgets.meter import cost
from agent_workbench.frontends.tui.widgets.paint import mark
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList
from agent_workbench.storage.records import Hit, Session
from agent_workbench.storage.search import parse, places

#: A sign and a word for each state; nothing is said of what is idle.
STATES: Mapping[str, tuple[Run, str]] = {
    "needs you": (("? ", "warn ornament"), "needs you"),
    "running": (("● ", "state ornament"), "running"),
    "interrupted": (("! ", "bad ornament"), "interrupted"),
    "unread": (("• ", "strong ornament"), "new"),
    "idle": (("  ", ""), ""),
}


#: Cells from which a row says config, model, age and cost.
ROOMY = 56


def session_rows(
    sessions: Sequence[Session],
    *,
    running: Collection[str] = (),
    asking: Collection[str] = (),
    unread: Collection[str] = (),
    open_in: Mapping[str, int] = {},
    hits: Mapping[str, Hit] = {},
    words: str = "",
    folded: Collection[str] = (),
    width: int = 0,
    now: datetime | None = None,
) -> Iterator[Row]:
    """Yield a row for each session, those that work for another below it.

    `open_in` says in which pane one is shown, `width` how many cells there are, `now` from when ages count. Below a
    session stands what was found in it: `hits` of the `words` that are searched for. What is below one of the `folded`
    is left out, unless there are such words; the row says how many there are, and the most urgent of their states.
    """
    forks = _forks(sessions)
    states = {one.session_id: _state(one, running, asking, unread) for one in sessions}
    apart = len({session.config_name for session in sessions}) > 1
    for session, depth, inside in _folded(_tree(sessions), () if words else folded):
        id = session.session_id
        urgent = min((states[one] for one in (id, *inside)), key=list(STATES).index)
        sign, word = STATES[urgent]
        branch = [("  " * (depth - 1) + "└ ", "muted sign")] if depth else []
        if inside:
            branch.append((f"▸{len(inside)} ", "muted sign"))
        if id in forks:
            branch.append((f"⑂{forks[id]} ", "muted sign"))
        title = (clean_line(session.title) or "new session", "" if session.title else "muted")
        about = " · ".join(_about(session, now))
        right = [(word or (clean_line(session.config_name, 14) if apart else ""), "muted")]
        if width >= ROOMY:
            right = [(" · ".join(filter(None, (word, about))), "muted")]
        elif not word and width_of([sign, *branch, title, *right]) + 5 > width > 0:
            right = []  # the name of the config is in what the frame says of the row under the cursor
        pane = f" {open_in[id]}" if id in open_in else "  "
        yield Row(id, [sign, *branch, title], [*right, (pane, "strong")], about=about if width < ROOMY else "")
        if id in hits:
            indent = "  " * (depth + 2)
            found = excerpt_line(hits[id].excerpt, words, width - len(indent) - 2)
            yield Row(f"{id} found", [(indent, ""), *found], heading=True)


def _state(session: Session, running: Collection[str], asking: Collection[str], unread: Collection[str]) -> str:
    if session.session_id in asking or session.needs_you:
        return "needs you"
    if session.session_id in running:
        return "running"
    return "unread" if session.session_id in unread and session.state == "idle" else session.state


def excerpt_line(excerpt: str, words: str, width: int) -> Line:
    """Return an excerpt with what was searched for marked, its beginning cut so that the first mark is in view."""
    line = clean_line(excerpt)
    marks = places(line, parse(words).words)
    if marks and width > 0 and marks[0][1] > width - 2:
        cut = min(marks[0][0] - 2, marks[0][1] - width // 2)
        line = f"…{line[cut:]}" if cut > 0 else line
        marks = places(line, parse(words).words)
    return mark([(line, "muted")], marks, "found")


def _about(session: Session, now: datetime | None) -> Iterator[str]:
    yield clean_line(session.config_name, 20) + (f" {session.pinned_revision}" if session.pinned_revision else "")
    model = clean_line(str(session.settings.get("model", "")), 20)
    if model:
        yield model
    if now is not None:
        yield age(now - session.updated_at)
    if session.cost is not None:
        yield cost(session.cost, session.unpriced)


def age(passed: timedelta) -> str:
    """Return how long ago something was, in its largest unit."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


def _forks(sessions: Sequence[Session]) -> Mapping[str, int]:
    """Number the forks of each session as they were made; the work of an agent is none."""
    made: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for session in sorted(sessions, key=lambda one: one.created_at):
        parent = session.parent_session_id
        if parent is not None and not session.settings.get("agent"):
            made[parent] = numbers[session.session_id] = made.get(parent, 0) + 1
    return numbers


def agents_below(sessions: Sequence[Session]) -> Mapping[str, str]:
    """Return by the id of each agent's session the one that it is listed below."""
    listed = {one.session_id for one in sessions}
    return {
        one.session_id: one.parent_session_id
        for one in sessions
        if one.parent_session_id in listed and one.parent_session_id is not None and one.settings.get("agent")
    }


def _tree(sessions: Sequence[Session]) -> Iterator[tuple[Session, int]]:
    """Yield sessions in their order with their depth; an agent's below the session it works for, a fork on its own."""
    above = agents_below(sessions)
    children: dict[str, list[Session]] = {}
    roots: list[Session] = []
    for session in sessions:
        if session.session_id in above:
            children.setdefault(above[session.session_id], []).append(session)
        else:
            roots.append(session)
    waiting = [(root, 0) for root in reversed(roots)]
    while waiting:
        session, depth = waiting.pop()
        yield session, depth
        waiting += [(child, depth + 1) for child in reversed(children.pop(session.session_id, []))]


def _folded(
    tree: Iterable[tuple[Session, int]], folded: Collection[str]
) -> Iterator[tuple[Session, int, Sequence[str]]]:
    """Leave out what is below a folded session; yield with each one the ids that are left out below it."""
    under: tuple[Session, int] | None = None
    inside: list[str] = []
    for session, depth in tree:
        if under is not None:
            if depth > under[1]:
                inside.append(session.session_id)
                continue
            yield *under, inside
        under, inside = None, []
        if session.session_id in folded:
            under = session, depth
        else:
            yield session, depth, ()
    if under is not None:
        yield *under, inside


def without(sessions: Sequence[Session], gone: Collection[str]) -> list[Session]:
    """Return the sessions but some, and the agents that work for those."""
    left, above = [], -1
    for session, depth in _tree(sessions):
        if above >= 0 and depth > above:
            continue
        above = depth if session.session_id in gone else -1
        if above < 0:
            left.append(session)
    return left


class SessionList(Browser):
    """The session list. While it has the focus, the frame says what has no room in the row under the cursor."""

    TITLE = "Sessions"
    FILTER = "search what was said"
    EMPTY = "No session yet.\n{session.new|^n} starts one"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sessions.rename", "r", "ask('rename')", "rename", "Give the session a title"),
        bind("sessions.fork", "f", "ask('fork')", "fork", "Go on from here in a session of its own"),
        bind("sessions.delete", "delete", "ask('delete')", "delete", "Delete the session with all that was said"),
        bind("sessions.fold", "left", "fold(True)", "fold", "Hide the agents that worked for a session", show=False),
        bind("sessions.unfold", "right", "fold(False)", "unfold", "Show them again", show=False),
        bind("sessions.undo", "u", "ask('undo')", "undo", "Take the newest deletion back", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.folded: set[str] = set()
        """The sessions whose agents are not shown."""
        self.above: Mapping[str, str] = {}
        """The session that an agent's session is listed below, by its id."""

    def put(self, rows: list[Row], *, at: str = "") -> None:
        """Show rows."""
        super().put(rows, at=at)
        self._tell_about()

    def action_fold(self, fold: bool) -> None:
        """Hide the agents of the session under the cursor, or of the one it works for; or show its own."""
        id = self.entries.row.id if self.entries.row is not None else ""
        if not fold:
            self.folded.discard(id)
        elif id in self.above.values() and id not in self.folded:
            self.folded.add(id)
        elif id in self.above:
            self.folded.add(self.above[id])
            self.entries.go_to(self.above[id])
        self.post_message(self.Filtered(self, self.words))

    @on(RowList.Moved)
    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _tell_about(self) -> None:
        row = self.entries.row
        self.border_subtitle = Content(row.about if row is not None and self.has_focus_within else "")
