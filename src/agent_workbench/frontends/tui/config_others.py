"""What others do to the config on the desk: they save it, delete it, or change the file that it is linked to.

Whatever happens, no text is lost: each save is a revision, and undo brings back what stood in the editor.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from agent_workbench.configs.merge import Merged, merge
from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.tui.screens.pick import Pick, options
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.widgets.diff_columns import column_lines
from agent_workbench.services.links import LINK_TAG, Kind, LinkChange
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.config_work import ConfigWork
    from agent_workbench.frontends.tui.screens.main import MainScreen

Answer = Literal["merge", "mine", "theirs", "stay"]


class OtherHands:
    """Notices what others did and asks whose text holds. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext, work: ConfigWork) -> None:
        self._screen = screen
        self._shared = shared
        self._work = work
        self._told: tuple[str, int] = ("", 0)
        self._seen: tuple[str, str] = ("", "")
        self._asking = False
        self.files: dict[str, Kind] = {}
        """Of each config whose linked file was changed or is gone: how (see `LinkChange.kind`)."""

    # --- somebody saved or deleted it

    async def look_at_store(self) -> None:
        """Show what somebody else saved where nothing unsaved lies over it; else say so, once for each revision."""
        config = self._work.config
        if config is None or self._work.saving or self._asking:
            return
        found = await self._shared.configs.get_config(config.config_id)
        if self._work.config is not config or self._work.saving:
            return
        if found is None:
            if self._once(config.config_id, -1):
                self._screen.tell(f"Somebody deleted {config.name}. ^s keeps this text, as a new config.",
                                  severity="warning")  # fmt: skip
        elif found.revision != config.revision:
            await self._newer(config, found)

    async def _newer(self, config: Config, found: Config) -> None:
        editor = self._work.desk.editor
        same = found.yaml_content in (editor.text, config.yaml_content)
        if not editor.dirty or found.yaml_content == editor.text:
            place, top = editor.cursor_location, editor.scroll_offset.y
            self._work.rebase(found, found.yaml_content)
            editor.move_cursor(place)
            editor.scroll_to(y=top, animate=False)
            if not same:
                self._screen.tell(f"{await self._who(found)} saved revision {found.revision}; it stands here now.")
        elif self._once(found.config_id, found.revision):
            who = await self._who(found)
            self._work.desk.set_name(config.name, config.revision, newer=found.revision)
            self._screen.tell(
                f"{who} saved revision {found.revision} while you edit revision {config.revision}. "
                "^s asks what to do: merge both, look at both, keep yours, take theirs.",
                severity="warning",
            )

    def _once(self, config_id: str, revision: int) -> bool:
        told, self._told = self._told, (config_id, revision)
        return told != self._told

    async def _who(self, config: Config) -> str:
        saved = await self._shared.configs.revision(config.config_id, config.revision)
        return clean_line(saved.author, 40) or "Somebody"

    async def settle_save(self, mine: Config, text: str) -> bool:
        """Somebody saved in between: merge, keep this text, or take theirs. Whether the text is saved now."""
        theirs = await self._shared.configs.get_config(mine.config_id)
        if theirs is None:
            return await self.settle_deleted(mine, text)
        merged = merge(mine.yaml_content, text, theirs.yaml_content, their_name=f"revision {theirs.revision}")
        note = f"Revision {theirs.revision} was saved while you edited revision {mine.revision}."
        title = f"Saved in between by {await self._who(theirs)}"
        answer = await self._decide(title, note, text, theirs.yaml_content, len(merged.clashes), theirs="theirs")
        if answer == "stay" or not self._take(theirs, answer, text, merged):
            return False
        if answer == "theirs":
            await self._work.keep_draft()
            return True
        return await self._work.save(note="after a conflict") if answer == "mine" else False

    async def settle_deleted(self, mine: Config, text: str) -> bool:
        """Somebody deleted it: offer to keep the text as a config of its own. Whether it is saved now."""
        rows = options(("new", "Save this text as a new config"), ("stay", "Leave it here, unsaved"))
        note = "Somebody deleted this config with its history."
        if await self._screen.app.push_screen_wait(Pick(f"{mine.name} is gone", rows, note=note)) != "new":
            return False
        tags = {key: value for key, value in mine.tags.items() if key != LINK_TAG}
        made = await self._shared.configs.create_config(
            mine.name,
            text,
            mine.description,
            tags,
            note=f"kept when revision {mine.revision} was deleted",
            over=mine.content_hash,
        )
        return await self._work.open(made.config_id, ask=False)

    def _take(self, theirs: Config, answer: Answer, mine: str, merged: Merged) -> bool:
        """Put what was decided for over their text; undo brings the text of before back."""
        text = {"merge": merged.text, "mine": mine, "theirs": theirs.yaml_content}[answer]
        if not self._work.rebase(theirs, text):
            return False
        if answer == "merge" and merged.clashes:
            self._work.desk.editor.go_to(merged.clashes[0].line)
            self._screen.tell("Both versions stand between <<<<<<< and >>>>>>>: keep what is right, then save.")
        elif answer == "merge":
            self._screen.tell("Both are merged here and not saved yet. ^z brings yours alone back.")
        return True

    async def _decide(self, title: str, note: str, mine: str, other: str, clashes: int, *, theirs: str) -> Answer:
        """Ask whose text holds; both can be looked at side by side first."""
        places = f", {counted(clashes, 'place')} to decide" if clashes else ""
        rows = options(("merge", f"Merge both into the editor{places}"), ("look", "Look at both, side by side"),
                       ("mine", "Save mine over it"), ("theirs", f"Take {theirs}, and drop mine"),
                       ("stay", "Decide later"))  # fmt: skip
        at = ""
        answers: tuple[Answer, ...] = ("merge", "mine", "theirs")
        while True:
            answer = await self._screen.app.push_screen_wait(Pick(title, rows, note=note, at=at))
            if answer != "look":
                return next((one for one in answers if one == answer), "stay")
            at = "look"
            sheet = Sheet(f"Yours at the left, {theirs} at the right", lambda width: column_lines(mine, other, width))
            await self._screen.app.push_screen_wait(sheet)

    # --- linked files

    async def look_at_files(self) -> None:
        """Mark the configs whose file was changed; ask about that of the desk, once for each change from outside."""
        changes = await asyncio.to_thread(self._shared.configs.links.changed)
        files: dict[str, Kind] = {one.config_id: one.kind for one in changes if one.kind != "config"}
        if files != self.files:
            self.files = files
            await self._screen.refresh_lists()
        config = self._work.config
        change = next((one for one in changes if config is not None and one.config_id == config.config_id), None)
        if change is None or change.kind == "config" or self._asking or not self._screen.is_current:
            return
        if (change.in_file, change.kind) == self._seen:
            return
        self._seen, self._asking = (change.in_file, change.kind), True
        try:
            await self._settle_file(change)
        finally:
            self._asking = False

    async def _settle_file(self, change: LinkChange) -> None:
        """Show the change of a linked file and ask what to do with it."""
        note = f"{change}."
        if change.kind == "gone":
            self._screen.tell(note, severity="warning")
            return
        mine, links = self._work.desk.editor.text, self._shared.configs.links
        merged = merge(change.base or "", mine, change.in_file, their_name=change.path.name)
        answer = await self._decide(
            "The file was changed", note, mine, change.in_file, len(merged.clashes), theirs="the file's text"
        )
        if answer == "stay":
            return
        try:
            saved = await asyncio.to_thread(links.write if answer == "mine" else links.take, change)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
            return
        if self._take(saved, answer, mine, merged) and answer == "mine":
            await self._work.save()
        self.files.pop(saved.config_id, None)
        await self._screen.refresh_lists()
