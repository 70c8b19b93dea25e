"""Make the README's picture with the program itself: `make picture`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from agent_workbench.frontends.tui.app import WorkbenchApp
from agent_workbench.services.shared import SharedContext, open_workbench

HERE = Path(__file__).parent
ASKED = ("my name is Ada", "show me some markdown")


async def say(pilot: Pilot[None], words: str) -> None:
    """Type into the focused prompt and send it."""
    names = {" ": "space", ".": "full_stop"}
    await pilot.press(*(names.get(letter, letter) for letter in words), "enter")


async def answered(pilot: Pilot[None], shared: SharedContext) -> None:
    """Wait until every answer is whole."""
    for _ in range(1000):
        await pilot.pause(0.02)
        sessions, _ = await shared.sessions.list_sessions()
        if not any(shared.sessions.is_running(one.session_id) for one in sessions):
            return


async def main() -> None:
    """Open the samples, talk in two sessions side by side, leave a question open, and save what is seen."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        for name in ("README.md", "main.py", "notes.md"):
            (work / name).write_text(f"# {name}\n")
        shared = await asyncio.to_thread(open_workbench, Path(folder) / "picture.db", workspace=work)
        app = WorkbenchApp(shared)
        async with app.run_test(size=(150, 44)) as pilot:
            await pilot.pause(0.5)
            await pilot.press("ctrl+n")
            for words in ASKED:
                await pilot.pause(0.3)
                await say(pilot, words)
                await answered(pilot, shared)
            await pilot.press("ctrl+t")
            await pilot.pause(0.5)
            await say(pilot, "write notes.txt with hello")
            await pilot.pause(2)  # it asks, and nobody answers
            await pilot.press("alt+q")
            await pilot.pause(0.5)
            app.save_screenshot("workbench.svg", str(HERE))
        await shared.close()


if __name__ == "__main__":
    asyncio.run(main())
