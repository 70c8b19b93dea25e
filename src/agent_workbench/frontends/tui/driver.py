"""What the terminal sends, handed on in batches: keys that a terminal sends as fast as it can are a paste, not typing.

Textual makes a task of each key, which its application then takes through its queue: 50 µs in all, or 50 s for a
megabyte that is pasted in a terminal that does not say so. Here a key costs 10 µs until the key queue has it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.driver import Driver
from textual.message import Message


def gathering(kind: type[Driver], take: Callable[[Message], bool]) -> type[Driver]:
    """Return a driver of a kind that offers what comes to `take`, and posts to the application what that leaves."""

    class Gathering(kind):  # type: ignore[misc, valid-type]
        def __init__(self, app: App[Any], **options: Any) -> None:
            super().__init__(app, **options)
            self._post = app.post_message
            self._here = asyncio.get_running_loop()
            self._come: deque[Message] = deque()
            self._told = False

        def send_message(self, message: Message) -> None:
            """Send a message to the application, from any thread; the order of one thread is kept."""
            self._come.append(message)
            if not self._told:
                self._told = True
                self._here.call_soon_threadsafe(self._hand_on)

        def _hand_on(self) -> None:
            self._told = False  # before anything is taken: what comes from now on is told again
            for _ in range(len(self._come)):
                message = self._come.popleft()
                if not take(message):
                    self._post(message)

    return Gathering
