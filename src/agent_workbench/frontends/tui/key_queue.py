"""Keys, pastes and clicks in their order: each is acted on before the next one is looked at.

Textual hands a key at once to what has the focus at that moment, although the key before it may be about to move the
focus or to open a dialog: of keys that come in one burst, some reach the wrong place. Here the ones behind wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, takewhile
from time import monotonic
from typing import TYPE_CHECKING
from weakref import WeakSet

from textual import events
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.widget import Widget
    from textual.worker import Worker

#: Seconds that a key may keep those behind it waiting: whatever hangs, the keyboard does not.
LONGEST = 2.0
#: They are counted in beats, each at least so long: a machine with too much to do is slow, and nothing hangs.
BEAT = 0.05
#: Seconds between looks at the workers that a key has started.
LOOK_EVERY = 0.005
#: Groups of workers that go on by themselves and move no focus: no key waits for them.
BACKGROUND = frozenset(
    {"begin", "check", "end", "file", "follow", "marks", "measure", "propose", "remember", "stop", "watch"}
)
#: So many letters in a row are put into a text at once: each by itself costs a frame.
RUN = 64
#: So many keys of text that wait, with line ends among them, were pasted in a terminal that does not say so.
PASTE = 1_000
#: Seconds without a key after which such a paste is over, and seconds after which it is handed on where less than
#: another such paste came in them.
REST, ENOUGH = 0.03, 3.0
#: Seconds after a paste in which more text belongs to it.
AFTER = 0.1
#: Text that is no letter.
_SPACES = frozenset({"enter", "tab", "ctrl+j"})
#: Seconds of holding after which the keys that end the program are let through.
HELD_LONG = 5.0
_ENDING = frozenset({"ctrl+q", "ctrl+c"})
_IN_ORDER = (events.Key, events.Paste, events.MouseDown, events.MouseUp)


class Passing(events.Callback, bubble=False):
    """Goes through a message pump behind what is there. `followed`: something else has come behind it meanwhile."""

    followed = False

    def can_replace(self, message: Message) -> bool:
        """Never replace anything: Textual asks this of a message that has another one behind it."""
        self.followed = True
        return False


Passing.handler_name = events.Callback.handler_name


class KeyQueue:
    """The keys of an application that wait for their turn. The application asks `keeps` before it handles an event."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._turns: list[events.Event] = []
        self._arrived = self._looked = 0
        self._pasted = 0.0
        self._task: asyncio.Task[None] | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._held_since = 0.0
        self._behind: asyncio.Event | None = None
        self._asking: set[Worker[object]] = set()
        self._given_up: WeakSet[Worker[object]] = WeakSet()

    def keeps(self, event: events.Event) -> bool:
        """Whether an event has to wait; it comes again when it is its turn. Pointer moves and scrolling never wait."""
        if not isinstance(event, _IN_ORDER) or event.is_forwarded:
            return False
        if any(event is one for one in self._turns):  # several, where the application itself hung
            self._turns.remove(event)
            return False
        if self._ends(event):
            return False
        self._arrived += 1
        if not self.busy:
            at_once = self._free.is_set() and not self._pasting
            self._begin(acted=at_once)
            if at_once:
                return False
        self._waiting.append(event)
        return True

    def take(self, message: Message) -> bool:
        """Take a message straight from the terminal where it has to wait for its turn, as `keeps` says."""
        if not isinstance(message, _IN_ORDER) or self._ends(message):
            return False
        self._arrived += 1
        self._waiting.append(message)
        if not self.busy:
            self._begin(acted=False)
        return True

    @property
    def busy(self) -> bool:
        """Whether a key that came now would have to wait."""
        return self._task is not None and not self._task.done()

    @property
    def let_through(self) -> Sequence[events.Event]:
        """What was given its turn, and the application did not come to."""
        return tuple(self._turns)

    def hold(self) -> None:
        """Keep everything until `release`: what the keys are for is not there yet."""
        self._held_since = monotonic()
        self._free.clear()

    def release(self) -> None:
        """Let what was kept be acted on."""
        self._free.set()

    def close(self) -> None:
        """Forget what waits."""
        if self._task is not None:
            self._task.cancel()

    @contextmanager
    def asking(self, worker: Worker[object]) -> Iterator[None]:
        """Mark a worker that waits for a person: the keys are for the answer."""
        self._asking.add(worker)
        try:
            yield
        finally:
            self._asking.discard(worker)

    def _ends(self, event: events.Event) -> bool:
        """Whether a key is to end a program that does not come to its start."""
        held = not self._free.is_set() and monotonic() - self._held_since > HELD_LONG
        return held and isinstance(event, events.Key) and event.key in _ENDING

    # --- one after the other

    def _begin(self, *, acted: bool) -> None:
        self._task = asyncio.create_task(self._take_turns(acted), name="keys")

    async def _take_turns(self, acted: bool) -> None:
        """Give each key its turn; `acted`: one is being acted on already."""
        await self._free.wait()
        while True:
            if acted:
                await self._settle()
            if not self._waiting:
                return
            turn = await self._next() if acted or len(self._waiting) > 1 else self._waiting.popleft()
            self._turns.append(turn)
            acted = True
            if not self._app.post_message(turn):
                return

    async def _settle(self) -> None:
        """Return when the last key was acted on, with all that it led to, or kept the others waiting for too long."""
        if self._behind is not None and not self._behind.is_set():
            return  # something hangs: waiting for it again would only make everything slow
        acting = asyncio.create_task(self._acted())
        try:
            for _ in range(round(LONGEST / BEAT)):
                if (await asyncio.wait({acting}, timeout=BEAT))[0]:
                    return acting.result()
            self._given_up.update(self._led())
        finally:
            acting.cancel()

    async def _acted(self) -> None:
        """Return when nothing moves any more."""
        await self._pass(self._app)
        place = None
        while place != (place := (self._app.screen, self._app.focused)):
            await self._act()

    async def _act(self) -> None:
        """Wait once for everything between the focus and the application, and for the workers that were started."""
        screen = self._app.screen
        for pump in [*(self._app.focused or screen).ancestors_with_self]:
            await self._pass(pump)
        for late in self._queued():
            await self._pass(late)
        # Only where something waits for the next frame: asking with `call_after_refresh` costs each key a frame.
        if screen is self._app.screen and screen._callbacks:
            await self._pass(screen, painted=True)
        while self._led():  # noqa: ASYNC110 - to await a worker would cancel it together with this
            await asyncio.sleep(LOOK_EVERY)

    async def _pass(self, pump: MessagePump, *, painted: bool = False) -> None:
        """Return when a pump has handled what was there and what that led to."""
        followed = True
        while followed:
            self._behind = asyncio.Event()
            note = Passing(self._behind.set)
            if not (pump.call_after_refresh(self._behind.set) if painted else pump.post_message(note)):
                self._behind.set()
                return
            await self._behind.wait()
            followed = note.followed

    def _queued(self) -> Iterator[MessagePump]:
        """Yield what still has messages, wherever it is."""
        for pump in (*self._app.screen.walk_children(with_self=True), self._app):
            if pump.message_queue_size:
                yield pump

    def _led(self) -> list[Worker[object]]:
        """Return the workers that may still open something or move the focus."""
        return [
            one for one in self._app.workers
            if not one.is_finished and one.group not in BACKGROUND
            and one not in self._asking and one not in self._given_up
        ]  # fmt: skip

    # --- text that comes faster than anybody writes

    async def _next(self) -> events.Event:
        """Return what comes next: a key, or one paste for many keys of text."""
        if self._run(_is_text) > self._run(_is_letter):
            await self._rest()
        if self._run(_is_text) >= (1 if self._pasting else PASTE):
            return self._paste(_is_text)
        if self._run(_is_letter) >= RUN and _takes_text(self._app.focused):
            return self._paste(_is_letter)
        return self._waiting.popleft()

    def _run(self, kind: Callable[[events.Event], bool]) -> int:
        """Return how many keys of a kind come next, as far as it matters."""
        return sum(1 for _ in takewhile(kind, islice(self._waiting, PASTE)))

    async def _rest(self) -> None:
        """Return when no key came for a moment: until then nobody knows whether a line was written or many pasted."""
        enough, counted = monotonic() + ENOUGH, self._arrived
        while self._looked != self._arrived and (monotonic() < enough or self._arrived - counted >= PASTE):
            if monotonic() >= enough:  # nobody types so much: a long paste is still coming in
                enough, counted = monotonic() + ENOUGH, self._arrived
            self._looked = self._arrived
            await asyncio.sleep(REST)

    @property
    def _pasting(self) -> bool:
        """Whether text that comes now belongs to a paste: a slow terminal pauses in the middle of one."""
        return monotonic() - self._pasted < AFTER

    def _paste(self, kind: Callable[[events.Event], bool]) -> events.Paste:
        """Take the keys of a kind as one paste; an Enter after a single line is a key of its own."""
        taken: list[str] = []
        while self._waiting and kind(self._waiting[0]):
            taken.append(getattr(self._waiting.popleft(), "character", None) or "")
        if kind is _is_text:
            self._pasted = monotonic()
            if "\r" not in taken[:-1] and taken[-1] == "\r":
                taken.pop()
                self._waiting.appendleft(events.Key("enter", "\r"))
                self._pasted = 0.0
        return events.Paste("".join(taken).replace("\r\n", "\n").replace("\r", "\n"))


def _is_letter(event: events.Event) -> bool:
    return isinstance(event, events.Key) and event.is_printable


def _is_text(event: events.Event) -> bool:
    return isinstance(event, events.Key) and (event.is_printable or event.key in _SPACES)


def _takes_text(widget: Widget | None) -> bool:
    from textual.widgets import Input, TextArea  # not before the first frame, which needs neither

    return isinstance(widget, (Input, TextArea))
