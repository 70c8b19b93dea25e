"""What is taken out of a conversation: copies, links, files."""

from __future__ import annotations

import asyncio
import os
import re
import webbrowser
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.frontends.tui.screens.pick import Name, Pick, explained, options
from agent_workbench.frontends.tui.widgets.blocks import Block, ReplyBlock, source
from agent_workbench.frontends.tui.widgets.markdown import code_blocks
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.frontends.tui.widgets.tool_card import ToolBlock
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.transcripts import Format, export

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

_LINK = re.compile(r"https?://[^\s<>\"'`\\^{|}]+")
_FORMATS: Mapping[Format, str] = {
    "md": "Markdown, to read and to paste",
    "html": "one page that needs nothing else",
    "json": "everything, for programs",
}


class Takeaway:
    """Takes things out of a pane. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    async def copy(self, pane: SessionPane, what: str) -> None:
        """Copy the source of the last `reply`, `code` block or `command`."""
        text = newest(pane.transcript.blocks, what)
        if not text:
            self._screen.tell(f"There is no {what} to copy yet.")
            return
        self._screen.app.copy_to_clipboard(text)
        self._screen.tell(f"Copied the last {'code block' if what == 'code' else what}.")

    async def links(self, pane: SessionPane) -> None:
        """Let the person choose a link of the conversation to open; nothing opens by itself."""
        found = list(dict.fromkeys(link for block in reversed(pane.transcript.blocks) for link in links(source(block))))
        if not found:
            self._screen.tell("There is no link in what was said.")
            return
        rows = options(*((link, link) for link in found))
        picked = await self._screen.app.push_screen_wait(Pick("Open a link", rows, search=True))
        if picked is None:
            return
        if has_browser():
            self._screen.app.open_url(picked)
            self._screen.tell(f"Opening {picked}")
        else:
            self._screen.app.copy_to_clipboard(picked)
            self._screen.tell("There is no browser here to open it; the link is copied instead.")

    async def export(self, pane: SessionPane) -> None:
        """Write the conversation to a file, never over one that is there; where that fails, ask for another name."""
        session = await self._shared.sessions.get_session(pane.session_id)
        if session is None:
            return
        rows = explained(*((form, form, about) for form, about in _FORMATS.items()))
        form = await self._screen.app.push_screen_wait(Pick("Export as", rows))
        if form is None:
            return
        folder = self._shared.workspace
        tried, note = str(free(folder / f"{file_name(session.title)}.{form}")), ""
        while given := await self._screen.app.push_screen_wait(Name("Write to", tried, note=note)):
            text = await export(self._shared.sessions, session, form)
            try:
                path = folder / Path(given).expanduser()
                await asyncio.to_thread(write_new, path, text)
            except (OSError, RuntimeError, ValueError) as error:  # also no home folder for ~name, a NUL in the path
                tried, note = given, f"Not written: {getattr(error, 'strerror', None) or error}."
            else:
                self._screen.tell(f"Exported to {path}")
                return


def newest(blocks: Iterable[Block], what: str) -> str:
    """Return the source of the newest `reply`, `code` block or `command`, empty where there is none."""
    for block in reversed(list(blocks)):
        match what, block:
            case "reply", ReplyBlock():
                return source(block)
            case "code", ReplyBlock() if code := code_blocks(source(block)):
                return code[-1]
            case "command", ToolBlock() if isinstance(command := block.call.arguments.get("command"), str):
                return clean(command)
            case _:
                continue
    return ""


def links(text: str) -> Iterator[str]:
    """Yield the web addresses in a text, in order, without the punctuation after them."""
    for match in _LINK.finditer(text):
        link = match.group().rstrip(".,;:!?*_)]")
        if link.count("(") > link.count(")"):
            link += ")"
        if urlsplit(link).hostname:
            yield link


def file_name(title: str) -> str:
    """Return a title as a file name: letters, digits and dashes."""
    return re.sub(r"[^\w]+", "-", clean_line(title, 60)).strip("-").lower() or "session"


def free(path: Path) -> Path:
    """Return a path, with a number behind its stem where something is there already."""
    tried = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if not path.exists() else next(one for one in tried if not one.exists())


def has_browser() -> bool:
    """Whether a link opens in a window of its own: one that took this terminal would write over the screen."""
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return False
    return type(found) is not webbrowser.GenericBrowser and not isinstance(found, webbrowser.Elinks)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, readable by its owner alone (FileExistsError where it is)."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
