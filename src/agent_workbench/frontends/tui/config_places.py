"""Going from place to place: to the line that set a value, to what the text names, to its parts, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from agent_workbench.configs.environment import REFERENCE
from agent_workbench.configs.fetching import Failure, Fetched
from agent_workbench.configs.fields import OTHERS, fields_of
from agent_workbench.configs.modules import Module
from agent_workbench.configs.plan import Origin
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.secrets import veiled
from agent_workbench.configs.targets import Target, parts_of, target_at
from agent_workbench.configs.words import nearest
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.screens.sheet import Sheet
from agent_workbench.frontends.tui.screens.source import SourceView
from agent_workbench.frontends.tui.widgets.lines import Line, width_of, wrap
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services.keys import source_of
from agent_workbench.services.origins import named_by, text_behind
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: How many places lead back.
KEPT = 50
#: What the identity of a stored config begins with.
_STORED = "config:"


class ConfigPlaces:
    """Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared
        self._trail: list[tuple[str, int, int]] = []

    async def do(self, what: str) -> None:
        """Go where a command or a key of the editor names."""
        match what:
            case "target":
                await self._to_target()
            case "section":
                await self._to_part()
            case "line":
                await self._screen.configs.show("Edit", focus=True)
                self._screen.configs.desk.editor.action_want("line")
            case "back":
                await self._back()
            case _:
                raise AssertionError(f"nothing goes to {what!r}")

    # --- the way back

    def _mark(self) -> None:
        """Remember where the cursor is, as a place to come back to."""
        config, editor = self._screen.configs.config, self._screen.configs.desk.editor
        if config is not None:
            row, column = editor.cursor_location
            self._trail = [*self._trail, (config.config_id, row + 1, column + 1)][-KEPT:]

    async def _back(self) -> None:
        if not self._trail:
            self._screen.tell("No jump leads back from here.")
            return
        config_id, line, column = self._trail.pop()
        if await self._open(config_id):
            await self._go(line, column)

    async def _open(self, config_id: str) -> bool:
        """Put a config on the desk; False where it could not be, or the person stays with the one there."""
        here = self._screen.configs.config
        return (here is not None and here.config_id == config_id) or await self._screen.configs.open(config_id)

    async def _go(self, line: int, column: int = 1) -> None:
        self._screen.show_view("edit", focus=False)
        await self._screen.configs.show("Edit", focus=True)
        self._screen.configs.desk.editor.go_to(line, column)

    # --- origins and problems

    async def to_problem(self, problem: Problem) -> None:
        """Show the place of a problem, in this text or in what it includes."""
        if problem.source:
            await self.jump(Origin(problem.source, problem.line))
        else:
            self._mark()
            await self._go(problem.line, problem.column)

    async def jump(self, origin: Origin) -> None:
        """Show the line that set a value: here, in another config of yours, or in an include, which is not edited."""
        config, text = self._screen.configs.config, self._screen.configs.desk.editor.text
        place = self._screen.configs.place
        if config is None or origin.source in ("", config.name):
            self._mark()
            await self._go(origin.line)
            return
        found = await asyncio.to_thread(lambda: text_behind(self._shared.bundles, text, origin.source, **place))
        if found is None:
            self._screen.tell(f"Set in {origin}, which is not here to look at.")
        else:
            await self._show(found, origin.line)

    async def _show(self, found: Fetched, line: int = 1) -> None:
        """Show a text that was found: a stored config on the desk, anything else to be read."""
        if found.identity.startswith(_STORED):
            self._mark()
            if await self._open(found.identity.removeprefix(_STORED)):
                await self._go(line)
            else:
                self._trail.pop()
            return
        await self._screen.app.push_screen_wait(SourceView(f"{found.at.label}:{line}", found.text, line))

    # --- what the text names

    async def _to_target(self) -> None:
        editor = self._screen.configs.desk.editor
        text, (row, column) = editor.text, editor.cursor_location
        target = target_at(text, row, column)
        if target is None:
            self._screen.tell("Put the cursor on an include, an agent, a file, a module or a ${VARIABLE}.")
        elif target.kind == "variable":
            self._screen.tell(_where_set(target.name, text))
        elif target.kind == "module":
            await self._show_module(target.name)
        else:
            await self._to_named(text, target)

    async def _to_named(self, text: str, target: Target) -> None:
        place, shown = self._screen.configs.place, clean_line(target.name, 60)
        found = await asyncio.to_thread(lambda: named_by(self._shared.bundles, text, target, **place))
        match found:
            case Fetched():
                await self._show(found)
            case Origin():
                await self.jump(found)
            case Failure():
                self._screen.tell(f"{shown}: {found.reason}", severity="warning")
            case None:
                self._screen.tell(f"{shown} is not looked at as the text stands; Problems may say why.")

    async def _show_module(self, name: str) -> None:
        catalog = await asyncio.to_thread(lambda: self._shared.configs.catalog)
        module = catalog.get(name)
        if module is None:
            like = nearest(name, catalog.modules)
            self._screen.tell(f"No module {clean_line(name, 60)} is known{f'; {like} is' if like else ''}.")
            return
        lines = _about(module)
        sheet = Sheet(module.id, lambda width: [
            piece for head, line in lines for piece in wrap(line, width, head, [(" " * width_of(head), "")])
        ])  # fmt: skip
        await self._screen.app.push_screen_wait(sheet)

    # --- parts

    async def _to_part(self) -> None:
        """Let the person choose a section or an entry of the text, and go there."""
        editor = self._screen.configs.desk.editor
        parts, here = parts_of(editor.text), editor.cursor_location[0] + 1
        if not parts:
            self._screen.tell("The text has no sections yet.")
            return
        rows = [
            Row(str(one.line), [("  " * one.depth + clean_line(veiled(one.words), 80), "" if one.depth else "strong")],
                [(str(one.line), "muted")])
            for one in parts
        ]  # fmt: skip
        at = next((str(one.line) for one in reversed(parts) if one.line <= here), "")
        picked = await self._screen.app.push_screen_wait(Pick("Go to a section", rows, search=True, at=at))
        if picked is not None:
            self._mark()
            await self._go(int(picked))


def _where_set(name: str, text: str) -> str:
    """Say where a variable's value comes from, never the value."""
    source = source_of(name)
    if source is not None:
        return f"{name} is set in the {source}."
    defaults = [found[2] for found in REFERENCE.finditer(text) if found[1] == name and found[2] is not None]
    if defaults:
        return f"{name} is not set, so what stands behind its colon holds."
    return f"{name} is not set: export {name}=…, or keep it in the keyring with `awb key set {name}`."


def _about(module: Module) -> Sequence[tuple[Line, Line]]:
    """Return what a module is and its settings, as lines with what stands before them."""
    fields = [field for field in fields_of(module.config) if field.key != OTHERS]
    widest = max((cell_len(field.key) for field in fields), default=0)
    tools = [([("tools  ", "muted")], [(", ".join(module.tools), "")])] if module.tools else []
    settings = [
        ([(f"{field.key:<{widest}}  ", "key")], [(field.help + (" · needed" if field.required else ""), "")])
        for field in fields
    ]
    return [([], [(module.summary, "strong")]), ([], [(f"{module.kind}, {module.origin}", "muted")]), *tools,
            ([], []), *(settings or [([], [("It has no settings.", "muted")])])]  # fmt: skip
