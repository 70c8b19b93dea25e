"""What is done with the config on the desk: open, check, save, keep drafts, add, plan, go back in history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from agent_workbench.configs.merge import merge
from agent_workbench.configs.plan import Origin
from agent_workbench.configs.problems import Problem, errors
from agent_workbench.errors import ConfigError, EditRefused, RevisionConflict, WorkbenchError
from agent_workbench.frontends.tui.additions import ARTICLES, AddKind, addition
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.pick import Pick, options
from agent_workbench.frontends.tui.widgets.desk import Desk, Tab
from agent_workbench.frontends.tui.widgets.history import History
from agent_workbench.frontends.tui.widgets.plan_view import PlanView
from agent_workbench.paths import shipped
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: Seconds of rest before an unsaved text is kept as a draft.
DRAFT_AFTER = 1.0


class ConfigWork:
    """The config on the desk. `changed` is called when the lists must be read anew."""

    def __init__(self, screen: MainScreen, shared: SharedContext, changed: Callable[[], Awaitable[None]]) -> None:
        self._screen = screen
        self._shared = shared
        self._changed = changed
        self._draft: Timer | None = None
        self.config: Config | None = None

    @property
    def desk(self) -> Desk:
        """Where the config lies."""
        return self._screen.query_one(Desk)

    def check(self, text: str) -> tuple[Problem, ...]:
        """Return the problems of a text; called off the event loop."""
        name = self.config.name if self.config else "config"
        return self._shared.configs.validate(text, name=name, base=self._shared.workspace)

    # --- open and leave

    async def open(self, config_id: str, *, ask: bool = True) -> bool:
        """Put a config on the desk; False where the person stays with the one there."""
        if ask and not await self.may_leave():
            return False
        config = await self._shared.configs.get_config(config_id)
        if config is None:
            self._screen.tell("That config is gone; somebody deleted it.", severity="warning")
            await self._changed()
            return False
        self.config = config
        kept = await asyncio.to_thread(self._shared.store.setting, self._draft_key(config_id))
        self._load(config, draft=kept.get("text") if isinstance(kept, dict) else None)
        if kept:
            self._screen.tell("Your unsaved text is back; undo (^z) shows what was saved.")
        await self.show(self.desk.tab)
        return True

    def _load(self, config: Config, *, draft: str | None = None) -> None:
        self.config = config
        self.desk.editor.load(config.yaml_content, draft=draft)
        self.desk.set_name(config.name, config.revision)
        self.desk.editor.check_now()
        if self.desk.editor.alters:
            self._screen.tell(
                "This text has line ends that the editor would change, so it is read-only here; ^g opens $EDITOR.",
                severity="warning",
            )

    async def may_leave(self) -> bool:
        """Ask about unsaved changes; False where the person wants to stay."""
        if self.config is None or not self.desk.editor.dirty:
            return True
        rows = options(("save", "Save, then go on"), ("draft", "Keep as a draft and go on"),
                       ("discard", "Throw the changes away"), ("stay", "Stay here"))  # fmt: skip
        answer = await self._screen.app.push_screen_wait(Pick(f"{self.config.name} has unsaved changes", rows))
        if answer == "save":
            return await self.save()
        if answer == "draft":
            await self.keep_draft()
        elif answer == "discard":
            await self._forget_draft()
        return answer in ("draft", "discard")

    async def renamed(self, name: str) -> None:
        """Take the new name of the config on the desk."""
        if self.config is not None:
            self.config = replace(self.config, name=name)
            self.desk.set_name(name, self.config.revision)

    # --- save

    async def save(self, *, note: str = "") -> bool:
        """Save the text as a new revision; False where it was not."""
        editor, config = self.desk.editor, self.config
        if config is None or not editor.dirty:
            return config is not None
        text = editor.text
        try:
            saved = await self._shared.configs.update_config(
                config.config_id, yaml_content=text, expected_revision=config.revision, note=note
            )
        except RevisionConflict:
            return await self._settle_conflict(config, text)
        except ConfigError as error:
            await self.keep_draft()
            where = f"line {error.problems[0].line}: {error.problems[0].message}" if error.problems else str(error)
            self._screen.tell(f"Not saved, kept as a draft. {where}", title=error.title, severity="error")
            return False
        if saved is None:
            self._screen.tell("Not saved: somebody deleted this config.", severity="error")
            return False
        self._saved(saved)
        await self._forget_draft()
        await self._changed()
        return True

    def _saved(self, config: Config) -> None:
        self.config = config
        self.desk.editor.mark_saved(config.yaml_content)
        self.desk.set_name(config.name, config.revision)
        used = f"; {config.sessions} sessions take it at their next message" if config.sessions else ""
        self._screen.tell(f"Saved as revision {config.revision}{used}.")

    async def _settle_conflict(self, mine: Config, text: str) -> bool:
        """Somebody saved in between: merge, keep this text, or take theirs. Nothing is lost either way."""
        theirs = await self._shared.configs.get_config(mine.config_id)
        if theirs is None:
            return False
        merged = merge(mine.yaml_content, text, theirs.yaml_content)
        clashes = f", {len(merged.clashes)} places to decide" if merged.clashes else ""
        rows = options(("merge", f"Merge both into the editor{clashes}"), ("mine", "Save mine over it"),
                       ("theirs", "Take theirs, and lose mine"), ("stay", "Decide later"))  # fmt: skip
        note = f"Revision {theirs.revision} was saved while you edited revision {mine.revision}."
        answer = await self._screen.app.push_screen_wait(Pick("Saved by somebody else", rows, note=note))
        if answer in (None, "stay"):
            return False
        self._load(theirs, draft={"merge": merged.text, "mine": text}.get(answer or ""))
        if answer == "theirs":
            await self._forget_draft()
            return True
        return await self.save(note="after a conflict") if answer == "mine" else False

    # --- drafts

    @staticmethod
    def _draft_key(config_id: str) -> str:
        return f"draft.{config_id}"

    def typed(self) -> None:
        """Keep the text as a draft after a pause, so that a crash loses a second at most."""
        if self._draft is not None:
            self._draft.stop()
        self._draft = self._screen.set_timer(DRAFT_AFTER, self.keep_draft)

    async def keep_draft(self) -> None:
        """Keep the text where it differs from the saved one."""
        if self.config is None:
            return
        value: dict[str, Any] | None = None
        if self.desk.editor.dirty:
            value = {"revision": self.config.revision, "text": self.desk.editor.text}
        await asyncio.to_thread(self._shared.store.remember, self._draft_key(self.config.config_id), value)

    async def _forget_draft(self) -> None:
        if self._draft is not None:
            self._draft.stop()
        if self.config is not None:
            await asyncio.to_thread(self._shared.store.remember, self._draft_key(self.config.config_id), None)

    # --- tabs

    async def show(self, tab: Tab, *, focus: bool = False) -> None:
        """Show a tab with what it shows brought up to date."""
        self.desk.show_tab(tab, focus=focus)
        if self.config is None:
            return
        if tab == "Plan":
            text = self.desk.editor.text
            plan = await self._shared.configs.plan_text(text, name=self.config.name, base=self._shared.workspace)
            self.desk.query_one(PlanView).show(plan)
        elif tab == "History":
            revisions = await self._shared.configs.revisions(self.config.config_id)
            self.desk.query_one(History).show(revisions)

    async def jump(self, origin: Origin) -> None:
        """Show the line that set a value: here, or in another config of that name."""
        if self.config is not None and origin.source not in ("", self.config.name):
            try:
                other = await self._shared.configs.find_config(origin.source.removeprefix("config:"))
            except WorkbenchError:
                self._screen.tell(f"Set in {origin}, which is not stored here.")
                return
            if not await self.open(other.config_id):
                return
        await self.show("Edit", focus=True)
        self.desk.editor.go_to(origin.line)

    async def fix(self, problem: Problem) -> None:
        """Make the fix that a problem offers."""
        if problem.fix is not None:
            try:
                self.desk.editor.apply_edit(problem.fix)
            except EditRefused as error:
                self._screen.tell(str(error), title=error.title, severity="warning")

    async def restore(self, revision: int) -> None:
        """Save an old revision again, as the newest."""
        if self.config is not None and await self.may_leave():
            self._load(await self._shared.configs.restore(self.config.config_id, revision))
            self._screen.tell(f"Revision {revision} is saved again, as revision {self.config.revision}.")
            await self.show("History", focus=True)
            await self._changed()

    # --- add

    async def add(self, kind: AddKind | None) -> None:
        """Add something to the text with a dialog; undo takes it back."""
        if self.config is None:
            return
        screen = self._screen
        if kind is None:
            pairs = [(one, words) for one, words in ARTICLES.items()]
            picked = await screen.app.push_screen_wait(Pick(f"Add to {self.config.name}", options(*pairs)))
            kind = next((one for one in ARTICLES if one == picked), None)
            if kind is None:
                return
        text = self.desk.editor.text
        found = addition(kind, self.config.name, text, self._shared.configs.catalog, await self._includes())
        edit = await screen.app.push_screen_wait(AddEntry(found))
        if edit is None:
            return
        await self.show("Edit", focus=True)
        try:
            self.desk.editor.apply_edit(edit)
        except EditRefused as error:
            screen.tell(str(error), title=error.title, severity="warning")

    async def _includes(self) -> list[tuple[str, str]]:
        configs, _ = await self._shared.configs.list_configs(200, sort="name")
        own = self.config.config_id if self.config else ""
        stored = [(f"config:{one.name}", one.description or "a config of yours") for one in configs
                  if one.config_id != own]  # fmt: skip
        folder = shipped("sample_configs") / "shipped"
        names = sorted(one.name for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
        return [*((name, "ships with the workbench") for name in names), *stored]

    # --- $EDITOR

    async def take_text(self, text: str) -> None:
        """Take a text that another program edited; one that cannot be shown unchanged is saved as it is."""
        editor = self.desk.editor
        if self.config is None or text == editor.text:
            return
        if not editor.alters:
            try:
                editor.replace_all(text)
                return
            except EditRefused:
                pass  # it holds characters that the editor would change: saved byte for byte instead
        try:
            saved = await self._shared.configs.update_config(
                self.config.config_id, yaml_content=text, expected_revision=self.config.revision, note="$EDITOR"
            )
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
            return
        if saved is not None:
            self._load(saved)
            await self._changed()


def has_errors(problems: tuple[Problem, ...]) -> bool:
    """Whether something stops a session from starting."""
    return bool(errors(problems))
