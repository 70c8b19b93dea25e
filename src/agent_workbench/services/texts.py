"""A config as a person names it: a stored one by id or name, a bundle file by its path.

Both are read, checked, planned and edited alike; a file is written back in place, a stored config gets a revision.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fetching import Failure, Location
from agent_workbench.configs.merge import Merged, merge
from agent_workbench.configs.reader import load
from agent_workbench.configs.secrets import mask_text
from agent_workbench.errors import IncludeFailed, NotFound, UsageError
from agent_workbench.services.bundles import FILE_TAG, home_of, root_of, tree_of
from agent_workbench.services.configs import ConfigManager
from agent_workbench.services.files import read_text, replace_file
from agent_workbench.services.sources import Sources
from agent_workbench.storage.records import Config

_SUFFIXES = (".yaml", ".yml", ".md")
_BUNDLE_FILES = ("bundle.md", "bundle.yaml")


@dataclass(frozen=True, slots=True)
class ConfigText:
    """The text of a config and where it lives: `config` where it is stored, `path` where it is a file, else neither.

    `base` is the folder that relative includes start from, None where that is the workspace; `root` the one that they
    must not leave, None where that is `base`.
    """

    name: str
    text: str
    base: Path | None = None
    config: Config | None = None
    path: Path | None = None
    root: Path | None = None

    @property
    def label(self) -> str:
        """What problems and origins call it: a file's name with its suffix, which says whether it is Markdown."""
        return self.path.name if self.path else self.name

    @property
    def owner(self) -> Config | Path | None:
        """What decides which includes are trusted: the stored config, or the file that the person named."""
        return self.config or self.path

    @property
    def source(self) -> str:
        """The file's name, empty for a stored text."""
        return self.path.name if self.path else ""


def names_a_file(reference: str) -> bool:
    """Whether a reference is meant as a path: it holds a slash or ends like a bundle file."""
    return os.sep in reference or reference.lower().endswith(_SUFFIXES) or reference in (".", "..")


async def find_text(configs: ConfigManager, reference: str) -> ConfigText:
    """Return what an id, a unique name or a path stands for.

    Raises:
        NotFound: If there is no such config or file.
        Ambiguous: If several configs have the name.
        InvalidYAML: If a file is not UTF-8.
    """
    if not names_a_file(reference):
        try:
            return _of(await configs.find_config(reference))
        except NotFound:
            if not any((Path(reference) / name).is_file() for name in _BUNDLE_FILES):
                raise
    try:
        return await asyncio.to_thread(read_file, Path(reference))
    except NotFound:
        with suppress(NotFound):  # a stored config may be called like a file
            return _of(await configs.find_config(reference))
        raise


def _of(config: Config) -> ConfigText:
    return ConfigText(config.name, config.yaml_content, home_of(config), config, root=root_of(config))


def read_file(path: Path) -> ConfigText:
    """Read a bundle file, or a folder's `bundle.md` or `bundle.yaml`.

    Raises:
        NotFound: If there is none, or it cannot be read.
        InvalidYAML: If it is not UTF-8, or too large.
    """
    where = Path(os.path.abspath(path.expanduser()))
    if where.is_dir():
        inside = [where / name for name in _BUNDLE_FILES if (where / name).is_file()]
        if not inside:
            raise NotFound(f"{path} is a folder without {' or '.join(_BUNDLE_FILES)}")
        where = inside[0]
    content = read_text(where)
    name = where.parent.name if where.name in _BUNDLE_FILES else where.stem
    return ConfigText(name, content, where.parent, path=where, root=tree_of(where.parent))


def read_uri(sources: Sources, uri: str) -> ConfigText:
    """Fetch a bundle by its address: `git+…`, `https://…`, `file://…`. May block.

    Raises:
        IncludeFailed: If it cannot be fetched.
    """
    found = sources.fetch(uri, Location("import", os.getcwd(), "/"))
    if isinstance(found, Failure):
        raise IncludeFailed(f"{mask_text(uri)}: {mask_text(found.reason)}")
    stem = Path(found.path).name
    name = Path(found.path).parent.name if stem in _BUNDLE_FILES else Path(found.path).stem
    return ConfigText(name or "imported", found.text)


def is_uri(reference: str) -> bool:
    """Whether a reference is an address to fetch from."""
    return reference.startswith(("git+", "https://", "http://", "file://"))


def propose(text: ConfigText, change: Callable[[Document], Edit]) -> str:
    """Return the text with a change made, every other byte as it was.

    Raises:
        InvalidYAML: If the text has an error already.
        EditRefused: If the change cannot be made without touching other bytes.
    """
    return change(Document(text.text, source=text.source)).apply(text.text)


async def save(configs: ConfigManager, text: ConfigText, new: str, *, note: str = "") -> ConfigText:
    """Write a changed text back to where it came from.

    Raises:
        InvalidYAML: If it is not YAML that we accept; nothing is written then.
        RevisionConflict: If the config or the file was changed since `text` was read.
        UsageError: If the text has no place of its own (it was read from stdin).
    """
    load(new, source=text.source)
    if text.path is not None:
        await asyncio.to_thread(replace_file, text.path, text.text, new)
        return replace(text, text=new)
    if text.config is None:
        raise UsageError("a text from standard input cannot be saved; import it first")
    saved = await configs.update_config(
        text.config.config_id, yaml_content=new, expected_revision=text.config.revision, note=note
    )
    if saved is None:
        raise NotFound(f"config {text.config.config_id} was deleted in between")
    return replace(text, text=saved.yaml_content, config=saved)


async def newer(configs: ConfigManager, mine: ConfigText, new: str) -> tuple[ConfigText, Merged]:
    """Return what somebody else saved meanwhile, and both changes merged, after `save` met a conflict.

    Raises:
        NotFound: If the config or file is gone.
    """
    if mine.config is not None:
        theirs = _of(await configs.find_config(mine.config.config_id))
        named = f"revision {theirs.config.revision}" if theirs.config else theirs.name
    else:
        theirs = await asyncio.to_thread(read_file, mine.path or Path(mine.name))
        named = theirs.label
    return theirs, merge(mine.text, new, theirs.text, our_name="yours", their_name=named)


async def kept_as(configs: ConfigManager, text: ConfigText) -> Config | None:
    """Return the stored config of a text, for a file the one that it was stored as; None where there is none yet."""
    if text.config is not None or text.path is None:
        return text.config
    known, _ = await configs.list_configs(1, tag=f"{FILE_TAG}={text.path}")
    return await configs.find_config(known[0].config_id) if known else None


async def stored(configs: ConfigManager, text: ConfigText) -> Config:
    """Return the stored config of a text; a file is stored once, and again as a revision when it has changed.

    What a file holds was not written here: `naming.named` asks whether it counts.
    """
    config = await kept_as(configs, text)
    if config is None:
        tags = {FILE_TAG: str(text.path)} if text.path else {}
        return await configs.create_config(
            text.name, text.text, tags=tags, note=f"from {text.path or 'stdin'}", outside=str(text.path or "")
        )
    if config.yaml_content == text.text:
        return config
    saved = await configs.update_config(
        config.config_id, yaml_content=text.text, note=f"from {text.path}", outside=str(text.path)
    )
    return saved or config
