"""Deleting that can be taken back: what is deleted vanishes from the lists at once and from the disk a little later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from textual.timer import Timer
from textual.widget import Widget

#: Seconds in which a deletion can be taken back.
GRACE = 10.0


@dataclass
class _Waiting:
    name: str
    delete: Callable[[], Awaitable[None]]
    timer: Timer


class Trash:
    """Holds deletions for a while. Where the program dies meanwhile, nothing was deleted."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._waiting: dict[str, _Waiting] = {}

    @property
    def ids(self) -> frozenset[str]:
        """What is to be left out of the lists."""
        return frozenset(self._waiting)

    @property
    def newest(self) -> str:
        """What was deleted last, empty where nothing waits."""
        return next(reversed(self._waiting), "")

    def put(self, id: str, name: str, delete: Callable[[], Awaitable[None]]) -> None:
        """Delete something in a while."""

        def later() -> None:
            self._widget.run_worker(self._finish(id), group=f"delete {id}")

        self._waiting[id] = _Waiting(name, delete, self._widget.set_timer(GRACE, later))

    def take_back(self) -> str:
        """Keep what was deleted last; return its name, empty where nothing waits."""
        if not self._waiting:
            return ""
        one = self._waiting.pop(self.newest)
        one.timer.stop()
        return one.name

    async def empty(self) -> None:
        """Delete all of it now."""
        for id in tuple(self._waiting):
            await self._finish(id)

    async def _finish(self, id: str) -> None:
        one = self._waiting.pop(id, None)
        if one is not None:
            one.timer.stop()
            await one.delete()
