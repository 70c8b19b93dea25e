"""What is done with the config on the desk: open, check, save, keep drafts, add, plan, go back in history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from textual.timer import Timer

from agent_workbench.configs.explain import PlanChange, diff_plans
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem, errors
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import ConfigError, EditRefused, RevisionConflict, WorkbenchError
from agent_workbench.frontends.tui.config_others import OtherHands
from agent_workbench.frontends.tui.screens.pick import Pick, options
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.desk import Desk, Tab
from agent_workbench.frontends.tui.widgets.editor_pane import EditorPane
from agent_workbench.frontends.tui.widgets.history import LISTED, History
from agent_workbench.frontends.tui.widgets.lines import Line, fold
from agent_workbench.frontends.tui.widgets.plan_view import PlanView, is_readable
from agent_workbench.services.bundles import base_of, root_of
from agent_workbench.services.drafts import draft_of, forget_draft, keep_draft
from agent_workbench.services.effects import Effect, effect_of
from agent_workbench.services.nearby import nearby
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config, Revision

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: Seconds of rest before an unsaved text is kept as a draft.
DRAFT_AFTER = 1.0
#: How many changes of a save are told at once; /changes shows all.
TOLD = 4


class Place(TypedDict):
    """What a text is called, and where its includes start from and stay."""

    name: str
    base: Path
    root: Path | None


class ConfigWork:
    """The config on the desk. `changed` is called when the lists must be read anew."""

    def __init__(self, screen: MainScreen, shared: SharedContext, changed: Callable[[], Awaitable[None]]) -> None:
        self._screen = screen
        self._shared = shared
        self._changed = changed
        self._draft: Timer | None = None
        self._readable = ""
        self.config: Config | None = None
        self.saving = False
        """Whether a save of the desk is on its way, so that its new revision is nobody else's."""
        self.others = OtherHands(screen, shared, self)

    @property
    def desk(self) -> Desk:
        """Where the config lies."""
        return self._screen.query_one(Desk)

    def check(self, text: str) -> tuple[Problem, ...]:
        """Return the problems of a text; called off the event loop, and while somebody types: nothing is fetched."""
        problems = self._shared.configs.validate(text, fetch=False, owner=self.config, **self.place)
        if is_readable(problems):
            self._readable = text
        return problems

    @property
    def place(self) -> Place:
        """What the text is called, and where its includes start from."""
        if self.config is None:
            return {"name": "config", "base": self._shared.workspace, "root": None}
        base, root = base_of(self.config, self._shared.workspace), root_of(self.config)
        return {"name": self.config.name, "base": base, "root": root}

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
        self._readable = config.yaml_content
        draft = await draft_of(self._shared, config_id)
        self._load(config, draft=draft)
        if draft is not None:
            self._screen.tell("Your unsaved text is back; undo (^z) shows what was saved.")
        self._screen.query_one(ConfigList).follow(config_id)
        await self.show(self.desk.tab)
        self._screen.run_worker(self._look_around(config), group="nearby", exclusive=True)
        return True

    async def _look_around(self, config: Config) -> None:
        """Let the editor offer what stands around a config: other configs, and the files of its folder."""
        found = await nearby(self._shared.configs, config.config_id, self.place["base"])
        if self.config is not None and self.config.config_id == config.config_id:
            self.desk.query_one(EditorPane).known = found

    def rebase(self, saved: Config, text: str) -> bool:
        """Take another saved text as the one that changes are held against, and show a text over it.

        Undo brings back what stood in the editor. False, and said, where the editor cannot show the text as it is.
        """
        editor = self.desk.editor
        try:
            editor.replace_all(text)
        except EditRefused as error:
            if text != saved.yaml_content:
                self._screen.tell(str(error), title=error.title, severity="error")
                return False
            self._load(saved)
            return True
        self.config = saved
        editor.mark_saved(saved.yaml_content)
        self.desk.set_name(saved.name, saved.revision)
        editor.check_now()
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

    async def clear(self) -> None:
        """Leave the desk empty, where the last config is gone."""
        self.config = None
        self._readable = ""
        self.desk.editor.load("")
        self.desk.set_name("", 0)
        self.desk.set_problems(())
        self.desk.query_one(History).show(())
        await self._show_plan()

    async def may_leave(self) -> bool:
        """Ask about unsaved changes; False where the person wants to stay. Saving is offered where it can be done."""
        if self.config is None or not self.desk.editor.dirty:
            return True
        wrong = await self._unsavable(self.desk.editor.text)
        save = () if wrong else (("save", "Save, then go on"),)
        rows = options(*save, ("draft", "Keep as a draft and go on"), ("discard", "Throw the changes away"),
                       ("stay", "Stay here"))  # fmt: skip
        note = f"It cannot be saved yet: {wrong}" if wrong else ""
        title = f"{self.config.name} has unsaved changes"
        answer = await self._screen.app.push_screen_wait(Pick(title, rows, note=note))
        if answer == "save":
            return await self.save()
        if answer == "draft":
            await self.keep_draft()
        elif answer == "discard":
            await self._forget_draft()
        return answer in ("draft", "discard")

    async def _unsavable(self, text: str) -> str:
        """Return what keeps a text from being stored, empty where nothing does."""
        try:
            await asyncio.to_thread(self._shared.configs.parse_yaml, text)
        except ConfigError as error:
            return _place(error)
        return ""

    async def renamed(self, name: str) -> None:
        """Take the new name of the config on the desk."""
        if self.config is not None:
            self.config = replace(self.config, name=name)
            self.desk.set_name(name, self.config.revision)

    async def reread(self, config_id: str) -> None:
        """Take what was done to the config itself: its tags, or a new text where nothing unsaved lies over it."""
        if self.config is None or self.config.config_id != config_id:
            return
        found = await self._shared.configs.get_config(config_id)
        if found is None:
            return
        if found.revision != self.config.revision and not self.desk.editor.dirty:
            self._load(found)
        elif found.revision == self.config.revision:
            self.config = found

    # --- save

    async def save(self, *, note: str = "") -> bool:
        """Save the text as a new revision; False where it was not."""
        config = self.config
        if config is None or not self.desk.editor.dirty:
            return config is not None
        text = self.desk.editor.text
        self.saving = True
        try:
            effect = await effect_of(self._shared, config, text)
            saved = await self._shared.configs.update_config(
                config.config_id, yaml_content=text, expected_revision=config.revision, note=note
            )
            if saved is not None:
                await self._saved(saved, effect)
        except RevisionConflict:
            return await self.others.settle_save(config, text)
        except ConfigError as error:
            await self.keep_draft()
            self._screen.tell(f"Not saved, kept as a draft. {_place(error)}", title=error.title, severity="error")
            return False
        finally:
            self.saving = False
        return saved is not None or await self.others.settle_deleted(config, text)

    async def _saved(self, saved: Config, effect: Effect) -> None:
        """Show what was saved as saved, and say what it changes."""
        self.config = saved
        self.desk.editor.mark_saved(saved.yaml_content)
        self.desk.set_name(saved.name, saved.revision)
        lines = [f"Saved as revision {saved.revision}{f'; {effect.when}' if effect.when else ''}."]
        if effect.following:
            lines += [clean_line(str(one), 76) for one in effect.changes[:TOLD]]
            if len(effect.changes) > TOLD:
                lines.append(f"and {len(effect.changes) - TOLD} more")
        self._screen.tell("\n".join(lines))
        await self._forget_draft()
        await self._changed()

    async def show_changes(self) -> None:
        """Show what saving would change for a session, and when those that there are take it."""
        if self.config is None:
            return
        effect = await effect_of(self._shared, self.config, self.desk.editor.text)
        note = effect.when or "No session of this config yet."
        await self._show_plan_changes(f"What saving {self.config.name} changes", effect.changes,
                                      f"{note[:1].upper()}{note[1:].rstrip('.')}.")  # fmt: skip

    async def compare_revisions(self, old: Revision | None, new: Revision) -> None:
        """Show what changes for a session from one revision of the config on the desk to another, as plans."""
        texts = (old.yaml_content if old is not None else "", new.yaml_content)
        plans = [await self._shared.configs.plan_text(text, **self.place) for text in texts]
        way = f"From revision {old.revision} to {new.revision}" if old is not None else f"Revision {new.revision}"
        await self._show_plan_changes(f"{way}, for a session", diff_plans(*plans), _missing(plans))

    async def compare(self, config: Config, other: Config) -> None:
        """Show what a session of another config has otherwise, as plans."""
        homes = [(base_of(one, self._shared.workspace), root_of(one)) for one in (config, other)]
        plans = [await self._shared.configs.plan(one, base=base, root=root)
                 for one, (base, root) in zip((config, other), homes, strict=True)]  # fmt: skip
        title = f"From {config.name} to {other.name}, for a session"
        await self._show_plan_changes(title, diff_plans(*plans), _missing(plans))

    async def _show_plan_changes(self, title: str, changes: Sequence[PlanChange], note: str) -> None:
        roles = {"added": "added", "removed": "removed", "changed": ""}
        lines: list[Line] = [[(clean_line(str(one)), roles[one.kind])] for one in changes]
        sheet = Sheet(title,
                      lambda width: [piece for line in lines for piece in fold(line, width)]
                      or [[("Nothing changes for a session.", "muted")]],
                      note=note)  # fmt: skip
        await self._screen.app.push_screen_wait(sheet)

    # --- drafts

    def typed(self) -> None:
        """Keep the text as a draft after a pause, so that a crash loses a second at most."""
        if self._draft is not None:
            self._draft.stop()
        self._draft = self._screen.set_timer(DRAFT_AFTER, self.keep_draft)

    async def keep_draft(self) -> None:
        """Keep the text where it differs from the saved one."""
        if self.config is None:
            return
        if self.desk.editor.dirty:
            text, revision = self.desk.editor.text, self.config.revision
            await keep_draft(self._shared, self.config.config_id, text, revision=revision)
        else:
            await forget_draft(self._shared, self.config.config_id)

    async def _forget_draft(self) -> None:
        if self._draft is not None:
            self._draft.stop()
        if self.config is not None:
            await forget_draft(self._shared, self.config.config_id)

    # --- tabs

    async def show(self, tab: Tab, *, focus: bool = False) -> None:
        """Show a tab with what it shows brought up to date."""
        self.desk.show_tab(tab, focus=focus)
        if self.config is None:
            return
        if tab == "Plan":
            await self._show_plan()
        elif tab == "History":
            revisions = await self._shared.configs.revisions(self.config.config_id, limit=LISTED + 1)
            self.desk.query_one(History).show(revisions)

    async def _show_plan(self) -> None:
        """Show the plan of the text; where it cannot be read, what is wrong and the plan from before that."""
        plan, last = await self._shared.configs.plan_text(self.desk.editor.text, **self.place), None
        if not is_readable(plan.problems):
            last = await self._shared.configs.plan_text(self._readable, **self.place)
        self.desk.query_one(PlanView).show(plan, last=last)

    async def restore(self, revision: int) -> None:
        """Save an old revision again, as the newest."""
        if self.config is not None and await self.may_leave():
            self._load(await self._shared.configs.restore(self.config.config_id, revision))
            self._screen.tell(f"Revision {revision} is saved again, as revision {self.config.revision}.")
            await self.show("History", focus=True)
            await self._changed()

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


def _place(error: ConfigError) -> str:
    """Return the first thing that an error is about, with its line."""
    return f"line {error.problems[0].line}: {error.problems[0].message}" if error.problems else str(error)


def _missing(plans: Sequence[Plan]) -> str:
    """Say where a comparison cannot see all."""
    wrong = [plan.name for plan in plans if plan.errors]
    return f"{' and '.join(dict.fromkeys(wrong))} has errors, so this may not be all." if wrong else ""
