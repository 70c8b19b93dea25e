"""What the terminal sends comes whole, in its order, and without a task for each key."""

from __future__ import annotations

import asyncio

from textual import events
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.message import Message

from agent_workbench.frontends.tui.driver import gathering


class Noting(App[None]):
    """Notes the keys that are posted to it."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[str] = []

    def post_message(self, message: Message) -> bool:
        if isinstance(message, events.Key) and not message.is_forwarded:
            self.posted.append(message.key)
        return super().post_message(message)


async def test_all_that_a_thread_sends_is_taken_or_posted_once_and_in_its_order():
    app = Noting()
    taken: list[str] = []

    def take(message: Message) -> bool:
        mine = isinstance(message, events.Key) and message.is_printable
        if mine and isinstance(message, events.Key):
            taken.append(message.key)
        return mine

    async with app.run_test() as pilot:
        driver = gathering(HeadlessDriver, take)(app)

        def send() -> None:
            for number in range(5_000):
                driver.send_message(events.Key("abc"[number % 3], "abc"[number % 3]))
                if number % 1_000 == 0:
                    driver.send_message(events.Key(f"f{1 + number // 1_000}", None))

        await asyncio.to_thread(send)
        await pilot.pause()
        assert taken == ["abc"[number % 3] for number in range(5_000)]
        assert app.posted == ["f1", "f2", "f3", "f4", "f5"]
