"""A line or two over the prompt while there is something to tell: a retry that counts down, or words that wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from textual.reactive import reactive
from textual.timer import Timer

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import Retrying
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.lines import Run
from agent_workbench.frontends.tui.widgets.spoken import is_heard

#: Cells from which the key is said in full.
ROOMY = 64


class StatusLine(Bar):
    """What the session waits for. Shows nothing when that is nothing."""

    DEFAULT_CSS = """
    StatusLine { display: none; height: auto; &.-telling { display: block; } }
    """

    telling = reactive(False, toggle_class="-telling")

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._retry: tuple[Retrying, float] | None = None
        self._queued: tuple[str, ...] = ()
        self._steered: tuple[str, ...] = ()
        self._countdown: Timer | None = None

    @property
    def counting(self) -> bool:
        """Whether a retry is shown."""
        return self._retry is not None

    def retry(self, event: Retrying | None) -> None:
        """Count a retry down, once a second and only while there is one; said once where the screen is read aloud."""
        if self._countdown is not None:
            self._countdown.stop()
            self._countdown = None
        self._retry = None if event is None else (event, self._clock() + event.delay_s)
        if event is not None and not is_heard(self):
            self._countdown = self.set_interval(1.0, self.show)
        self.show()

    def wait(self, queued: Sequence[str], steered: Sequence[str]) -> None:
        """Say what waits: what is sent when the turn is over, and what is said at its next step."""
        self._queued, self._steered = tuple(queued), tuple(steered)
        self.show()

    def show(self) -> None:
        """Show the retry, else what waits, else no line at all."""
        self.telling = self._retry is not None or bool(self._queued or self._steered)
        if self._retry is not None:
            event, until = self._retry
            left = max(0, round(until - self._clock()))
            # the count first: it is the news, and a reason may fill the line
            words = f"again in {left} s, attempt {event.attempt} · {clean_line(event.reason, 200)}"
            self.put([("↻ ", "warn sign"), (words, "")], [("esc stops", "muted")], most=2)
        elif self.telling:
            self.put(self._waiting(), [("alt+up takes back" if self.size.width >= ROOMY else "alt+up", "muted")])

    def _waiting(self) -> list[Run]:
        runs: list[Run] = []
        if self._steered:
            words = clean_line(self._steered[0], 200 if not self._queued else 24)
            runs += [("↳ ", "state ornament"), ("next step: ", "state"), (words, ""), ("  ", "")]
        if self._queued:
            runs += [
                ("» ", "state ornament"),
                (f"{len(self._queued)} queued: ", "state"),
                (clean_line(self._queued[0], 200), ""),
            ]
        return runs
