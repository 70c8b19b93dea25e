"""Changes of the text on the desk that a person asks for by name: add, change, disable, remove, fix, move secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.entries import module_at, removed, toggled
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.reader import read
from agent_workbench.configs.words import counted
from agent_workbench.errors import EditRefused, WorkbenchError
from agent_workbench.frontends.tui.additions import ARTICLES, AddKind, addition
from agent_workbench.frontends.tui.missing_keys import ask_keys
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.screens.pick import Pick, options
from agent_workbench.services.nearby import includable
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.trust import CODE

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen
    from agent_workbench.services.fixes import Secret

SECRET = "literal-secret"
"""The code of a problem whose fix also has to keep the value somewhere."""


class ConfigChanges:
    """Makes edits in the editor, each one step of its undo history. What cannot be done is said."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    @property
    def _line(self) -> int:
        return self._screen.configs.desk.editor.cursor_location[0] + 1

    async def do(self, what: str) -> None:
        """Do what a command of the editor names."""
        editor = self._screen.configs.desk.editor
        match what:
            case "toggle":
                await self._edit(lambda text, line: toggled(text, line))
            case "remove":
                await self._edit(lambda text, line: removed(text, line))
            case "entry":
                await self._change_entry()
            case "fix":
                problem = editor.problem_at(self._line - 1)
                if problem is None:
                    self._screen.tell("No problem on this line; F8 goes to the next one.")
                else:
                    await self.fix(problem)
            case "fix_all":
                await self._fix_all()
            case "secrets":
                await self._move_secrets()
            case _:
                raise AssertionError(f"nothing does {what!r} to a text")

    def apply(self, edit: Edit) -> bool:
        """Make an edit in the editor; False, and said why, where that cannot be."""
        try:
            self._screen.configs.desk.editor.apply_edit(edit)
        except EditRefused as error:
            self._screen.tell(str(error), title=error.title, severity="warning")
            return False
        return True

    async def _edit(self, make: Callable[[str, int], Edit]) -> None:
        editor, line = self._screen.configs.desk.editor, self._line
        try:
            edit = await asyncio.to_thread(make, editor.text, line)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="warning")
            return
        if self.apply(edit):
            editor.go_to(min(line, editor.document.line_count))

    # --- problems

    async def fix(self, problem: Problem) -> None:
        """Make the fix that a problem offers; a secret is kept in the keyring, or said to be set by hand."""
        if problem.code == CODE:
            await self._screen.library.do("trust")
        elif problem.variable and problem.fix is None:
            await ask_keys(self._screen, (problem.variable,))
        elif problem.fix is None:
            self._screen.tell(problem.hint or "No fix is known for this one.")
        elif problem.code == SECRET:
            await self._move_secrets(problem.path)
        else:
            self.apply(problem.fix)

    async def _fix_all(self) -> None:
        from agent_workbench.services.fixes import fix_all

        editor = self._screen.configs.desk.editor
        text = editor.text
        fixed = await asyncio.to_thread(fix_all, text, self._screen.configs.check)
        if not fixed.fixed:
            self._screen.tell("Nothing here knows its own fix.")
        elif text == editor.text:
            editor.replace_all(fixed.text)
            count = len(fixed.fixed)
            self._screen.tell(f"Fixed {counted(count, 'problem')}, {len(fixed.left)} left; ^z undoes.")

    async def _move_secrets(self, only: str = "") -> None:
        """Put the secrets that are written out where a reference finds them, and the references into the text."""
        from agent_workbench.services.fixes import move_secret, secrets_in

        editor = self._screen.configs.desk.editor
        try:
            found = await asyncio.to_thread(secrets_in, editor.text)
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="warning")
            return
        paths = [one.path for one in found if one.movable and only in ("", one.path)]
        left = [] if only else [one for one in found if not one.movable]
        if left:
            self._screen.tell(_left_out(left), severity="warning")
        elif not paths:
            self._screen.tell("No secret is written out in this text.")
        for path in paths:
            try:
                moved = await asyncio.to_thread(move_secret, editor.text, path)
            except WorkbenchError as error:
                self._screen.tell(str(error), title=error.title, severity="warning")
                continue
            if not self.apply(moved.edit):
                continue
            name, kept = moved.kept.name, moved.kept
            if kept.is_there:
                self._screen.tell(f"${{{name}}} stands for it now; the value is in the {kept.source}.")
            else:
                self._screen.tell(f"Set {name} before the next session: {kept.reason}", severity="warning")

    # --- dialogs

    async def add(self, kind: AddKind | None) -> bool:
        """Add something to the text with a dialog; undo takes it back. False where nothing was added."""
        config, app = self._screen.configs.config, self._screen.app
        if config is None:
            return False
        if kind is None:
            asked = Pick(f"Add to {config.name}", options(*ARTICLES.items()), search=True)
            picked = await app.push_screen_wait(asked)
            kind = next((one for one in ARTICLES if one == picked), None)
            if kind is None:
                return False
        return await self._dialog(kind)

    async def _change_entry(self) -> None:
        found = module_at(read(self._screen.configs.desk.editor.text), self._line)
        kind = next((kind for kind in ARTICLES if found is not None and kind == found[0]), None)
        if found is None or kind is None:
            self._screen.tell("Put the cursor on a tool, provider or hook to change its settings.")
        else:
            await self._dialog(kind, at=found[1], index=found[2])

    async def _dialog(self, kind: AddKind, *, at: str = "", index: int | None = None) -> bool:
        """Let the person fill in an entry, and put it into the text; False where they did not."""
        config, desk = self._screen.configs.config, self._screen.configs.desk
        assert config is not None
        catalog = await asyncio.to_thread(lambda: self._shared.configs.catalog)
        includes = await includable(self._shared.configs, config.config_id)
        found = addition(kind, config.name, desk.editor.text, catalog, includes, index=index)
        edit = await self._screen.app.push_screen_wait(AddEntry(found, at=at))
        if edit is None:
            return False
        await self._screen.configs.show("Edit", focus=True)
        return self.apply(edit)


def _left_out(secrets: Sequence[Secret]) -> str:
    """Say which secrets stay written out: nothing fills a reference in where they stand."""
    lines = [str(one.line) for one in secrets]
    where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines[:-1])} and {lines[-1]}"
    what = "A secret stays" if len(lines) == 1 else f"{len(lines)} secrets stay"
    if any(one.path for one in secrets):
        return f"{what} in {where}, where no reference is filled in: take it out by hand."
    return f"{what} in {where}, in what is commented out: take it out by hand, or put the entry back first."
