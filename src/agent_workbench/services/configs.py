"""Configs as a person handles them: create, edit, validate, plan, go back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit, unified_diff
from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem, worst_first
from agent_workbench.configs.reader import load
from agent_workbench.configs.secrets import mask_text
from agent_workbench.errors import Ambiguous, NotFound, UsageError
from agent_workbench.services.bundles import BASE_TAG, FILE_TAG, Bundles, home_of
from agent_workbench.services.links import LINK_TAG, Links
from agent_workbench.services.permission_problems import permission_problems
from agent_workbench.services.trust import Owner, Trust
from agent_workbench.storage.ports import Store
from agent_workbench.storage.records import Config, ConfigMetadata, Page, Revision

Propose = Callable[[Document], Edit]


class ConfigManager:
    """Stored configs: CRUD, helpers that edit the text and keep its comments, validation, plans, revisions.

    All calls may be made from one event loop; the database is reached through threads.
    """

    def __init__(self, store: Store, bundles: Bundles, trust: Trust, *, author: str = "") -> None:
        self._store = store
        self._bundles = bundles
        self._trust = trust
        self._author = author
        self._links = Links(store.configs, author=author)

    @property
    def links(self) -> Links:
        """The configs that are linked to files; its calls are synchronous, for threads."""
        return self._links

    @property
    def trust(self) -> Trust:
        """Which texts count; its calls are synchronous, for threads."""
        return self._trust

    # --- CRUD

    async def create_config(
        self,
        name: str,
        yaml_content: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        *,
        note: str = "",
        outside: str = "",
        over: str = "",
    ) -> Config:
        """Store a new config as revision 1. Names need not be unique; unresolved includes are accepted.

        `outside` says where a text came from that nobody here wrote: it is not trusted then, until somebody says so.
        One that was written `over` another, known by its hash, is as much trusted as that.

        Raises:
            InvalidYAML: If the text is not YAML that we accept, with every place.
            UsageError: If the name is empty.
        """
        if not name.strip():
            raise UsageError("a config needs a name")
        self.parse_yaml(yaml_content)
        return await asyncio.to_thread(
            self._store.configs.create,
            name.strip(),
            yaml_content,
            description=description,
            tags=tags,
            author=self._author,
            note=note,
            outside=mask_text(outside),
            over=over,
        )

    async def get_config(self, config_id: str) -> Config | None:
        """Return a config, or None."""
        return await asyncio.to_thread(self._store.configs.get, config_id)

    async def is_named(self, name: str) -> bool:
        """Whether a config of exactly this name exists."""
        return bool(await asyncio.to_thread(self._store.configs.find, name.strip()))

    async def find_config(self, reference: str) -> Config:
        """Return the config of an id or a name that only one has.

        Raises:
            NotFound: If none fits.
            Ambiguous: If a name fits several; the message lists their ids.
        """
        return await asyncio.to_thread(self._find, reference)

    async def copy_config(self, config_id: str, name: str) -> Config:
        """Store a copy under another name: text, description and tags, but not the history or a link to a file."""
        old = await self._require(config_id)
        tags = {key: value for key, value in old.tags.items() if key not in (LINK_TAG, FILE_TAG)}
        if home := home_of(old):
            tags[BASE_TAG] = str(home)
        note = f"copy of {old.name}, revision {old.revision}"
        return await self.create_config(name, old.yaml_content, old.description, tags, note=note)

    async def update_config(
        self,
        config_id: str,
        *,
        name: str | None = None,
        yaml_content: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        expected_revision: int | None = None,
        note: str = "",
        outside: str = "",
    ) -> Config | None:
        """Change the given fields and return the config, None where there is none.

        A changed text becomes a new revision, and is written to the file that the config is linked to, unless somebody
        else changed that (see `Links.change_of`). `expected_revision` is the one that the change started from. A text
        counts as much as the one before it, unless it came from `outside`.

        Raises:
            InvalidYAML: If the new text is not YAML that we accept.
            RevisionConflict: If somebody saved in between; nothing is changed then.
        """
        if yaml_content is not None:
            self.parse_yaml(yaml_content)
        try:
            saved = await asyncio.to_thread(
                self._store.configs.update,
                config_id,
                name=name,
                yaml_content=yaml_content,
                description=description,
                tags=tags,
                expected_revision=expected_revision,
                author=self._author,
                note=note,
                outside=mask_text(outside),
            )
        except NotFound:
            return None
        if yaml_content is None or LINK_TAG not in saved.tags:
            return saved
        await asyncio.to_thread(self.links.saved, saved)
        return await self.get_config(config_id) or saved

    async def delete_config(self, config_id: str, *, force: bool = False) -> bool:
        """Delete a config; False where there was none.

        Raises:
            InUse: If sessions use it; `force` deletes them too.
        """
        return await asyncio.to_thread(self._store.configs.delete, config_id, force=force)

    async def list_configs(
        self, limit: int = 50, offset: int = 0, *, q: str = "", tag: str = "", sort: str = "updated"
    ) -> tuple[list[ConfigMetadata], int]:
        """Return a page of configs without their texts, newest first, and the total."""
        page = Page(limit, offset, sort, descending=sort != "name")
        found, total = await asyncio.to_thread(self._store.configs.list_configs, page, q=q, tag=tag)
        return list(found), total

    # --- edits that keep every other byte

    async def add_tool_to_config(
        self, config_id: str, module: str, source: str | None = None, config: Mapping[str, Any] | None = None
    ) -> Config:
        """Add a tool, or merge into the entry of the same module.

        Raises:
            NotFound: If there is no such config.
            EditRefused: If it cannot be done without touching other bytes.
        """
        return await self.apply(config_id, lambda doc: doc.add_tool(module, source, config), f"add {module}")

    async def add_provider_to_config(
        self, config_id: str, module: str, source: str | None = None, config: Mapping[str, Any] | None = None
    ) -> Config:
        """Add a provider, or merge into the entry of the same module (failures as `add_tool_to_config`)."""
        return await self.apply(config_id, lambda doc: doc.add_provider(module, source, config), f"add {module}")

    async def merge_bundle_into_config(self, config_id: str, bundle_uri: str) -> Config:
        """Append to `includes` (failures as `add_tool_to_config`)."""
        return await self.apply(config_id, lambda doc: doc.add_include(bundle_uri), f"include {mask_text(bundle_uri)}")

    async def propose(self, config_id: str, change: Propose) -> tuple[Config, Edit]:
        """Return the config and the edit that a change would make, without making it."""
        config = await self._require(config_id)
        return config, change(Document(config.yaml_content))

    async def apply(self, config_id: str, change: Propose, note: str = "") -> Config:
        """Make a change to the newest text and save it; the same config where nothing changes."""
        config, edit = await self.propose(config_id, change)
        if edit.is_noop:
            return config
        text = edit.apply(config.yaml_content)
        saved = await self.update_config(config_id, yaml_content=text, expected_revision=config.revision, note=note)
        if saved is None:
            raise NotFound(f"config {config_id} was deleted in between")
        return saved

    # --- text and meaning

    def parse_yaml(self, yaml_content: str) -> dict[str, Any]:
        """Return the data of a bundle's text (front matter where it is Markdown).

        Raises:
            InvalidYAML: With every place that is wrong.
        """
        return load(yaml_content)

    def validate(
        self,
        yaml_content: str,
        *,
        name: str = "config",
        base: Path | None = None,
        root: Path | None = None,
        fetch: bool = True,
        owner: Owner = None,
    ) -> tuple[Problem, ...]:
        """Return all problems of a text, worst first. Never raises for bad text; safe from any thread.

        Includes start from `base` and stay inside `root` (`base` unless given). Without `fetch`, nothing new is
        fetched from the network: for a text that is being typed. `owner` is the config or file that the text is of,
        which decides what of it is held back.
        """
        plan = self._bundles.plan(yaml_content, name=name, base=base, root=root, fetch=fetch)
        rules = permission_problems(yaml_content, source=name)
        return worst_first((*plan.problems, *rules, *self._trust.problems(plan, owner, typed=True)))

    @property
    def catalog(self) -> Catalog:
        """The modules that are known."""
        return self._bundles.catalog

    async def plan(self, config: Config, *, base: Path | None = None, root: Path | None = None) -> Plan:
        """Resolve a config into its plan, also where includes are missing (see `Plan.problems`)."""
        return await self.plan_text(config.yaml_content, name=config.name, base=base, root=root)

    async def plan_text(
        self, yaml_content: str, *, name: str = "config", base: Path | None = None, root: Path | None = None
    ) -> Plan:
        """Resolve a text that need not be stored."""
        return await asyncio.to_thread(self._bundles.plan, yaml_content, name=name, base=base, root=root)

    # --- revisions

    async def revisions(self, config_id: str, *, limit: int = 100, offset: int = 0) -> Sequence[Revision]:
        """Return the saved texts, newest first."""
        return await asyncio.to_thread(self._store.configs.revisions, config_id, limit=limit, offset=offset)

    async def revision(self, config_id: str, number: int) -> Revision:
        """Return one saved text (NotFound where there is none)."""
        found = await asyncio.to_thread(self._store.configs.revision, config_id, number)
        if found is None:
            raise NotFound(f"config {config_id} has no revision {number}; `awb config history` shows them")
        return found

    async def prune(self, config_id: str, *, keep: int) -> int:
        """Delete all but the newest `keep` revisions and those that sessions are pinned to; return how many went."""
        await self._require(config_id)
        return await asyncio.to_thread(self._store.configs.prune, config_id, keep=keep)

    async def restore(self, config_id: str, number: int, *, note: str = "") -> Config:
        """Save an old text again, as the newest revision."""
        old = await self.revision(config_id, number)
        said = note or f"restore revision {number}"
        saved = await self.update_config(config_id, yaml_content=old.yaml_content, note=said)
        if saved is None:
            raise NotFound(f"there is no config {config_id}")
        return saved

    async def diff(self, config_id: str, old: int, new: int | None = None) -> str:
        """Return a unified diff of two revisions; without `new`, of one and the current text."""
        before = await self.revision(config_id, old)
        after = await self._require(config_id) if new is None else await self.revision(config_id, new)
        return unified_diff(before.yaml_content, after.yaml_content)

    # --- inside

    async def _require(self, config_id: str) -> Config:
        config = await self.get_config(config_id)
        if config is None:
            raise NotFound(f"there is no config {config_id}")
        return config

    def _find(self, reference: str) -> Config:
        found = self._store.configs.get(reference)
        if found is not None:
            return found
        named = self._store.configs.find(reference)
        if len(named) > 1:
            ids = ", ".join(one.config_id for one in named)
            raise Ambiguous(f"{len(named)} configs are named {reference!r}; name one by its id: {ids}")
        config = self._store.configs.get(named[0].config_id) if named else None
        if config is None:
            raise NotFound(f"there is no config with the id or name {reference!r}; `awb config list` shows them")
        return config
