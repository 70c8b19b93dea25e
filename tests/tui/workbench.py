"""A whole workbench on a database of its own, for tests of the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from looks import settled, text, until
from textual.pilot import Pilot

from agent_workbench.frontends.tui.app import WorkbenchApp
from agent_workbench.frontends.tui.screens.main import MainScreen
from agent_workbench.frontends.tui.widgets.desk import Desk
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.services.shared import SharedContext, open_workbench


@dataclass
class Bench:
    """What a test presses, and what it looks at."""

    app: WorkbenchApp
    pilot: Pilot[None]
    shared: SharedContext

    @property
    def main(self) -> MainScreen:
        return next(screen for screen in self.app.screen_stack if isinstance(screen, MainScreen))

    @property
    def editor(self) -> YamlEditor:
        return self.main.query_one(YamlEditor)

    @property
    def desk(self) -> Desk:
        return self.main.query_one(Desk)

    @property
    def panes(self) -> list[SessionPane]:
        return self.main.query_one(PaneGrid).panes

    @property
    def shown(self) -> str:
        """The screen as a person reads it."""
        return text(self.app)

    @property
    def news(self) -> str:
        """What the workbench says for a few seconds."""
        return "\n".join(str(one.render()) for one in self.app.screen.query("Toast"))

    @property
    def dialog(self) -> str:
        """The title of the dialog that is open, empty where none is."""
        boxes = self.app.screen.query("#box")
        return str(boxes.first().border_title) if boxes else ""

    @property
    def ended(self) -> bool:
        """Whether the program ended."""
        return self.app.return_code is not None

    async def home(self) -> None:
        """Close every dialog and take away what was said."""
        while not (self.ended or isinstance(self.app.screen, MainScreen)):
            above = self.app.screen
            await self.press("escape")
            await self.until(lambda above=above: self.app.screen is not above, "escape closes the dialog")
        self.app.clear_notifications()
        await self.until(lambda: self.ended or not self.news, "nothing is said any more")

    async def until(self, done: Callable[[], object], what: str = "") -> None:
        """Wait until something holds; `PATIENCE` seconds are a failure."""
        await until(self.pilot, done, what)

    async def settled(self) -> None:
        """Wait until the screen is still."""
        await settled(self.pilot)

    async def answerable(self, pane: SessionPane) -> None:
        """Wait until a pane's question has the focus and was there long enough to be answered."""
        await self.until(lambda: pane.question.has_focus_within, "the question has the focus")
        await self.until(lambda: pane.question.check_action("refuse", ()), "it can be answered")

    async def slow_down(self) -> None:
        """Let the sample that answers offline take a second for each word, so that a turn surely still runs."""
        config = await self.shared.configs.find_config("hello")
        text = config.yaml_content.replace("delay: 0.03", "delay: 1")
        await self.shared.configs.update_config(config.config_id, yaml_content=text)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, words: str) -> None:
        """Write into what has the focus, as a person would."""
        await self.pilot.press(*("space" if letter == " " else letter for letter in words))

    async def say(self, words: str) -> None:
        """Write to the active pane and send."""
        pane = self.main.query_one(PaneGrid).active
        assert pane is not None
        pane.prompt.type_in(words)
        await self.pilot.press("enter")

    async def session(self, key: str = "ctrl+n") -> SessionPane:
        """Open a pane with a new session and return it."""
        count = len(self.panes)
        await self.press(key)
        await self.until(lambda: len(self.panes) == count + 1, f"pane {count + 1} opens")
        pane = self.panes[-1]
        await self.until(lambda: pane.prompt.has_focus, "the new pane takes the focus")
        return pane

    def text_of(self, pane: SessionPane) -> str:
        """Return what was said in a pane's session, as stored."""
        stored = self.shared.store.sessions.messages(pane.session_id)
        return "\n".join(f"{one.message.role}: {one.message.text}" for one in stored)


@lru_cache(1)
def _fresh() -> bytes:
    """Return a database with the samples in it, as the first start makes it: 0.3 s that need to pass only once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        store = open_workbench(path, workspace=Path(folder)).store
        store.remember("tui.tour", "done")
        store.close()
        return path.read_bytes()


def opened(folder: Path) -> SharedContext:
    """Open a workbench in a folder: the database that is there, else a fresh one."""
    (folder / "work").mkdir(exist_ok=True)
    path = folder / "bench.db"
    if not path.exists():
        path.write_bytes(_fresh())
    return open_workbench(path, workspace=folder / "work")


@asynccontextmanager
async def workbench(folder: Path, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Bench]:
    """Open the workbench in a folder, with the samples, the first of them on the desk."""
    shared = opened(folder)
    app = WorkbenchApp(shared)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            bench = Bench(app, pilot, shared)
            await bench.until(lambda: isinstance(app.screen, MainScreen), "the main screen")
            await bench.until(lambda: bench.main.ready, "the first config is on the desk")
            await pilot.pause()
            yield bench
            app.workers.cancel_all()
    finally:
        await shared.close()
