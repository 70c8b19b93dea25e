"""Places within a widget that can be gone to: tabs of a line, rows of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from textual.geometry import Offset


@dataclass(frozen=True)
class Place:
    """Where something stands in its widget, what goes there, and its name. `main`: the first to be offered."""

    at: Offset
    go: Callable[[], object]
    name: str
    main: bool = True


@runtime_checkable
class HasPlaces(Protocol):
    """A widget with places."""

    def places(self) -> Iterator[Place]:
        """Yield those that are in sight."""
        ...
