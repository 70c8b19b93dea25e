"""What is asked of the configs in the list: make, import, export, rename, copy, tag, sort, link, prune, delete."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent_workbench.configs.secrets import mask_text
from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import Conflict, InUse, WorkbenchError
from agent_workbench.frontends.tui.commands import NEEDS
from agent_workbench.frontends.tui.screens.pick import Name, Pick, options
from agent_workbench.frontends.tui.trash import GRACE, Trash
from agent_workbench.frontends.tui.trusting import ask_trust, doubts_of
from agent_workbench.frontends.tui.widgets.config_list import FOLDER, OWN_TAGS, SORTS, ConfigList, tags_of
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services import templates
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen


class ConfigChores:
    """Does one thing after the other. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared
        self.trash = Trash(screen)

    async def do(self, what: str) -> None:
        """Do what a command names, to the config on the desk."""
        config = self._screen.configs.config
        await self.asked(what, config.config_id if config else "")

    async def asked(self, what: str, id: str) -> None:
        """Do something with a config; what cannot be done is said."""
        screen = self._screen
        try:
            match what:
                case "create":
                    await self.new()
                case "import":
                    await self._import()
                case "sort":
                    self._sort()
                case "search":
                    screen.show_view("configs", focus=False)
                    screen.query_one(ConfigList).action_filter()
                case "undo":
                    self._undo()
                case _:
                    config = await self._shared.configs.get_config(id) if id else None
                    if config is not None:
                        await self._one(what, config)
                    elif not id:
                        screen.tell(NEEDS["config"])
        except WorkbenchError as error:
            screen.tell(str(error), title=error.title, severity="error")
        await screen.refresh_lists()

    async def _one(self, what: str, config: Config) -> None:
        screen = self._screen
        match what:
            case "open":
                await self.open(config.config_id)
            case "session":
                await screen.chores.new_session(config.config_id)
            case "rename":
                await self._rename(config)
            case "duplicate":
                await self._copy(config)
            case "export":
                await self._export(config)
            case "trust":
                await ask_trust(screen, self._shared, config)
            case "tags":
                await self._tags(config)
            case "link":
                await self._link(config)
            case "unlink":
                await asyncio.to_thread(self._shared.configs.links.unlink, config.config_id)
                screen.tell(f"{config.name} and its file go their own ways; both stay as they are.")
                await screen.configs.reread(config.config_id)
            case "prune":
                await self._prune(config)
            case "compare":
                await self._compare(config)
            case "delete":
                await self._delete(config)
            case _:
                raise AssertionError(f"nothing does {what!r} to a config")

    # --- make

    async def open(self, config_id: str) -> None:
        """Put a config on the desk and go to its text."""
        if await self._screen.configs.open(config_id):
            self._screen.show_view("edit", focus=False)
            await self._screen.configs.show("Edit", focus=True)

    async def new(self) -> None:
        """Make a config from a sample and put it on the desk."""
        found = list(templates.templates())
        rows = [Row(one.name, [(f"{one.name:<12} ", "strong"), (clean_line(one.summary), "muted")]) for one in found]
        rows.append(Row("empty", [(f"{'empty':<12} ", "strong"), ("the smallest config that runs", "muted")]))
        picked = await self._screen.app.push_screen_wait(Pick("Start from", rows, search=True))
        if picked is None:
            return
        name = await self._name("Name of the new config", f"my-{'agent' if picked == 'empty' else picked}")
        if name is None:
            return
        text = next((templates.renamed(one.text, name) for one in found if one.name == picked), templates.empty(name))
        made = await self._shared.configs.create_config(name, text, note=f"from {picked}")
        await self._show(made)

    async def _import(self) -> None:
        """Make a config from a file, a folder or an address; nothing of what it names is run."""
        from agent_workbench.services.bundles import BASE_TAG
        from agent_workbench.services.texts import is_uri, read_file, read_uri

        note = "A file, a folder with a bundle.md or bundle.yaml, or an address: https://…, git+https://…"
        given = await self._name("Import", "", note=note)
        if given is None:
            return
        if is_uri(given):
            text = await asyncio.to_thread(read_uri, self._shared.bundles.sources, given)
        else:
            text = await asyncio.to_thread(read_file, self._path(given))
        said = self._shared.configs.parse_yaml(text.text).get("bundle")
        name = str((said.get("name") if isinstance(said, dict) else "") or text.name)
        tags = {BASE_TAG: str(text.base)} if text.path is not None and text.base is not None else {}
        made = await self._shared.configs.create_config(
            name, text.text, tags=tags, note=f"imported from {mask_text(given)}", outside=given
        )
        await self._show(made)
        if doubts := await doubts_of(self._shared, made):
            count = sum(len(one.held) for one in doubts)
            if count:
                what = f"{counted(count, 'thing')} of {name}"
                self._screen.tell(f"Held back until you trust it: {what}. /trust shows more.")

    async def _show(self, made: Config) -> None:
        await self._screen.refresh_lists()
        await self.open(made.config_id)

    async def _copy(self, config: Config) -> None:
        name = await self._name(f"Copy {config.name}", f"{config.name} copy")
        if name is None:
            return
        made = await self._shared.configs.copy_config(config.config_id, name)
        own = {key: value for key, value in made.tags.items() if key != FOLDER}  # a copy of a sample is one's own
        if own != dict(made.tags):
            await self._shared.configs.update_config(made.config_id, tags=own)
        self._screen.tell(f"Copied to {name}.")
        await self._show(made)

    # --- keep order

    async def _rename(self, config: Config) -> None:
        name = await self._name("Rename the config", config.name)
        if not name:
            return
        text = await self._named_in_text(config, name)
        await self._shared.configs.update_config(
            config.config_id, name=name, yaml_content=text, expected_revision=config.revision if text else None
        )
        if self._on_desk(config.config_id):
            await self._screen.configs.renamed(name)
            await self._screen.configs.reread(config.config_id)

    async def _named_in_text(self, config: Config, name: str) -> str | None:
        """Return the text with the new name where it says the old one and the person wants that; else None."""
        text = templates.renamed_from(config.yaml_content, config.name, name)
        if text == config.yaml_content or (self._on_desk(config.config_id) and self._screen.configs.desk.editor.dirty):
            return None
        rows = options(("both", f"In the list and in the text: bundle.name becomes {name}"),
                       ("list", "In the list alone"))  # fmt: skip
        note = "Includes find what is inside by the name in the text."
        return text if await self._ask(f"Rename {config.name} to {name}", rows, note=note) == "both" else None

    async def _tags(self, config: Config) -> None:
        """Let the person write the tags anew; those of the program stay."""
        shown = " ".join(f"{key}={value}" if value else key for key, value in tags_of(config).items())
        folder = config.tags.get(FOLDER, "")
        note = "Words, or key=value; /folder as the first word puts it into a folder. Empty takes all off."
        start = f"/{folder} {shown}".strip() if folder else shown
        asked = Name(f"Tags of {config.name}", start, note=note, empty=True, added=True)
        given = await self._screen.app.push_screen_wait(asked)
        if given is None:
            return
        words = given.split()
        tags = {key: value for key, value in config.tags.items() if key in OWN_TAGS and key != FOLDER}
        if words and words[0].startswith("/"):
            tags[FOLDER] = words.pop(0)[1:]
        for word in words:
            key, _, value = word.removeprefix("#").partition("=")
            if key in OWN_TAGS:
                raise Conflict(f"the tag {key!r} is set by the program")
            tags[key] = value
        await self._shared.configs.update_config(config.config_id, tags=tags)

    def _sort(self) -> None:
        list_ = self._screen.query_one(ConfigList)
        ways = list(SORTS)
        list_.sort = ways[(ways.index(list_.sort) + 1) % len(ways)]
        self._screen.tell(f"Configs {SORTS[list_.sort]}.")

    async def _prune(self, config: Config) -> None:
        given = await self._name(
            "How many revisions to keep", "20", note="The newest stay, the others are deleted for good."
        )
        if given and given.isdecimal() and int(given) > 0:
            gone = await self._shared.configs.prune(config.config_id, keep=int(given))
            self._screen.tell(f"Deleted {counted(gone, 'revision')} of {config.name}.")

    async def _compare(self, config: Config) -> None:
        """Let the person choose another config, and show what a session of that has otherwise."""
        found, _ = await self._shared.configs.list_configs(200, sort="name")
        rows = options(*((one.config_id, one.name) for one in found if one.config_id != config.config_id))
        picked = await self._screen.app.push_screen_wait(Pick(f"Compare {config.name} with", rows, search=True))
        other = await self._shared.configs.get_config(picked) if picked else None
        if other is not None:
            await self._screen.configs.compare(config, other)

    # --- files

    def _path(self, given: str) -> Path:
        """Return a path as a person means it: from the workspace, `~` is home."""
        return self._shared.workspace / Path(given).expanduser()

    async def _export(self, config: Config) -> None:
        """Write a config to a file; secrets that stand in it become references unless the person wants them."""
        from agent_workbench.services.files import write_file
        from agent_workbench.services.secrets import without_secrets

        given = await self._name("Export to", f"{config.name}.yaml", note="A path from the workspace.")
        if given is None:
            return
        text, left_out = without_secrets(config.yaml_content)
        if left_out:
            rows = options(("out", "Leave them out: references stand for them"), ("in", "Write them out"))
            answer = await self._ask(f"{len(left_out)} secrets stand in the text", rows)
            if answer is None:
                return
            text = config.yaml_content if answer == "in" else text
        path = self._path(given)
        if path.exists():
            rows = options(("no", "Keep it"), ("yes", "Replace it"))
            if await self._ask(f"{path.name} exists", rows) != "yes":
                return
        await asyncio.to_thread(write_file, path, text)
        self._screen.tell(f"Wrote {path}.")

    async def _link(self, config: Config) -> None:
        """Link a config to a file: a save writes it, and a change from outside is asked about."""
        links = self._shared.configs.links
        given = await self._name("Link to the file", f"{config.name}.yaml", note="It is made where there is none.")
        if given is None:
            return
        path = self._path(given)
        try:
            await asyncio.to_thread(links.link, config.config_id, path)
        except Conflict as error:
            if not path.exists():
                raise
            rows = options(("", "Link nothing"), ("file", "Take the file's text"), ("config", "Write the config's"))
            answer = await self._ask("Both hold a text", rows, note=str(error))
            if answer not in ("file", "config"):
                return
            use: Literal["file", "config"] = "file" if answer == "file" else "config"
            await asyncio.to_thread(lambda: links.link(config.config_id, path, use=use))
        self._screen.tell(f"{config.name} is linked to {path}: saving writes it, and changes of it are asked about.")
        await self._screen.configs.reread(config.config_id)

    # --- delete

    async def _delete(self, config: Config) -> None:
        """Take a config off the list now, and delete it when that can no longer be taken back."""
        id, screen = config.config_id, self._screen
        used, count = await self._shared.sessions.list_sessions(1, config_id=id)
        if used:
            rows = options(("no", "Keep it"), ("yes", f"Delete it and its {counted(count, 'session')}"))
            if await self._ask(f"Delete {config.name}", rows, note="Sessions run from it.") != "yes":
                return
            for pane in screen.query_one(PaneGrid).panes:
                session = await self._shared.sessions.get_session(pane.session_id)
                if session is not None and session.config_id == id:
                    await self._shared.sessions.cancel(pane.session_id)
                    await screen.sessions.close(pane)

        async def delete() -> None:
            try:
                await self._shared.configs.delete_config(id, force=bool(used))
            except InUse as error:
                screen.tell(f"{config.name} is kept: {error}", severity="warning")
            await screen.refresh_lists()

        if self._on_desk(id):
            await screen.configs.keep_draft()  # it comes back with the config
        self.trash.put(id, config.name, delete)
        screen.tell(f"Deleted {config.name}. u in the list brings it back for {GRACE:.0f} s.")
        await screen.refresh_lists()
        beside = screen.query_one(ConfigList).entries.row
        if self._on_desk(id) and beside is not None:
            await screen.configs.open(beside.id, ask=False)
        elif self._on_desk(id):
            await screen.configs.clear()

    def _undo(self) -> None:
        name = self.trash.take_back()
        self._screen.tell(f"{name} is back." if name else "Nothing was deleted in the last seconds.")

    # --- asking

    def _on_desk(self, config_id: str) -> bool:
        config = self._screen.configs.config
        return config is not None and config.config_id == config_id

    async def _name(self, title: str, value: str, *, note: str = "") -> str | None:
        return await self._screen.app.push_screen_wait(Name(title, value, note=note))

    async def _ask(self, title: str, rows: list[Row], *, note: str = "") -> str | None:
        return await self._screen.app.push_screen_wait(Pick(title, rows, note=note))
