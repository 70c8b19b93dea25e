"""Configs that are linked to a file on disk: each change of one is offered to the other, and nothing is overwritten.

A linked config has the tag `file` (the file's absolute path) and the tag `linked` (the revision at which both were
equal last). Saving the config writes the file, where nobody else changed it; a file that was changed by another program
is shown as a `LinkChange` and waits for a decision.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent_workbench.configs.merge import Merged, merge
from agent_workbench.configs.reader import load
from agent_workbench.errors import CannotWrite, Conflict, InvalidYAML, NotFound, UsageError
from agent_workbench.services.bundles import BASE_TAG, FILE_TAG
from agent_workbench.services.files import read_text, replace_file
from agent_workbench.services.secrets import masked_diff
from agent_workbench.storage.ports import ConfigStore
from agent_workbench.storage.records import Config, ConfigMetadata, Page

#: The tag of a linked config: the revision at which it was equal to its file.
LINK_TAG = "linked"
#: The tags that say where a config comes from and is written to.
FILE_TAGS = (FILE_TAG, BASE_TAG, LINK_TAG)
Kind = Literal["file", "config", "both", "gone"]


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A file and its config that are no longer equal.

    `kind` says which of the two was changed since they were (`gone`: the file cannot be read, see `reason`). `base`
    is the text that they had in common, None where that revision was pruned.
    """

    config_id: str
    name: str
    path: Path
    kind: Kind
    revision: int
    base: str | None = None
    in_file: str = ""
    in_config: str = ""
    reason: str = ""

    def diff(self) -> str:
        """Return what taking the file's text would change in the config; secrets are dots."""
        return masked_diff(self.in_config, self.in_file, name=self.name)

    def merged(self) -> Merged:
        """Return both changes in one text."""
        return merge(
            self.base if self.base is not None else "", self.in_config, self.in_file,
            our_name=f"revision {self.revision}", their_name=self.path.name,
        )  # fmt: skip

    def __str__(self) -> str:
        said = {
            "file": "was changed outside",
            "config": f"does not have revision {self.revision} yet",
            "both": "and the config were both changed",
            "gone": f"cannot be read: {self.reason}",
        }
        return f"{self.path} {said[self.kind]}"


class Links:
    """The linked configs of a store. Synchronous, for threads; `changed` costs a `stat` for each unchanged file."""

    def __init__(self, configs: ConfigStore, *, author: str = "") -> None:
        self._configs = configs
        self._author = author
        self._seen: dict[str, tuple[object, ...]] = {}

    def linked(self) -> list[ConfigMetadata]:
        """Return the configs that are linked, newest first."""
        found, _ = self._configs.list_configs(Page(limit=1000), tag=LINK_TAG)
        return [one for one in found if FILE_TAG in one.tags]

    def changed(self) -> list[LinkChange]:
        """Return every link whose two sides differ. What was equal and has the same stamp is not read again."""
        found = []
        for config in self.linked():
            path = path_of(config)
            stamp = (config.content_hash, str(path), *_stamp(path))
            if self._seen.get(config.config_id) == stamp:
                continue
            change = self.change_of(config.config_id)
            if change is None:
                self._seen[config.config_id] = stamp
            else:
                found.append(change)
        return found

    def change_of(self, config_id: str) -> LinkChange | None:
        """Return how a config differs from its file; None where it does not, or is not linked."""
        config = self._configs.get(config_id)
        if config is None or LINK_TAG not in config.tags or FILE_TAG not in config.tags:
            return None
        path = path_of(config)
        try:
            in_file = read_text(path)
        except (NotFound, InvalidYAML) as error:
            return LinkChange(
                config_id, config.name, path, "gone", config.revision,
                in_config=config.yaml_content, reason=str(error),
            )  # fmt: skip
        if in_file == config.yaml_content:
            self._settle(config)
            return None
        base = self._base(config)
        kind: Kind = "config" if in_file == base else "file" if config.yaml_content == base else "both"
        return LinkChange(
            config_id, config.name, path, kind, config.revision, base, in_file, config.yaml_content
        )  # fmt: skip

    def link(self, config_id: str, path: Path, *, use: Literal["", "file", "config"] = "") -> Config:
        """Link a config to a file, which is made where it is missing. `use` says whose text holds where they differ.

        Raises:
            Conflict: If another config is linked to the file, or the two texts differ and `use` is empty.
            NotFound: If there is no such config, or no folder for the file.
            InvalidYAML: If the file's text is to be used and cannot be.
        """
        config = self._require(config_id)
        where = Path(os.path.realpath(path.expanduser()))
        if not where.parent.is_dir():
            raise NotFound(f"there is no folder {where.parent}")
        for other in self.linked():
            if other.config_id != config_id and path_of(other) == where:
                raise Conflict(f"{where} is linked to {other.name} ({other.config_id}); unlink that first")
        in_file = read_text(where) if os.path.lexists(where) else None
        if in_file is None or (use == "config" and in_file != config.yaml_content):
            replace_file(where, in_file, config.yaml_content)
        elif in_file != config.yaml_content and use == "file":
            load(in_file, source=where.name)
            config = self._configs.update(
                config_id, yaml_content=in_file, expected_revision=config.revision,
                author=self._author, note=f"from {where}", outside=str(where),
            )  # fmt: skip
        elif in_file != config.yaml_content:
            raise Conflict(f"{where} holds another text than {config.name}: say which of the two to use")
        tags = {**config.tags, FILE_TAG: str(where), LINK_TAG: str(config.revision)}
        return self._configs.update(config_id, tags=tags)

    def unlink(self, config_id: str) -> Config:
        """Let file and config go their own ways; both stay as they are. The config keeps the file's folder as its base.

        Raises:
            UsageError: If the config is not linked.
        """
        config = self._require(config_id)
        if LINK_TAG not in config.tags:
            raise UsageError(f"{config.name} is not linked to a file")
        return self._configs.update(config_id, tags={k: v for k, v in config.tags.items() if k != LINK_TAG})

    def take(self, change: LinkChange, text: str | None = None) -> Config:
        """Save the file's text (or the merged `text`) as a new revision, and write it to the file where it differs.

        Raises:
            RevisionConflict: If config or file were changed since `change` was made; nothing is lost then.
            InvalidYAML: If it is not YAML that we accept; nothing is saved then.
        """
        new = change.in_file if text is None else text
        load(new, source=change.path.name)
        saved = self._configs.update(
            change.config_id, yaml_content=new, expected_revision=change.revision,
            author=self._author, note=f"from {change.path}", outside=str(change.path),
        )  # fmt: skip
        if new != change.in_file:
            replace_file(change.path, change.in_file, new)
        return self._settle(saved)

    def write(self, change: LinkChange) -> Config:
        """Write the config's text over the file's.

        Raises:
            RevisionConflict: If the file was changed since `change` was made.
        """
        replace_file(change.path, None if change.kind == "gone" else change.in_file, change.in_config)
        return self._settle(self._require(change.config_id))

    def saved(self, config: Config) -> LinkChange | None:
        """Bring a config that was just saved to its file; return what keeps it from that."""
        if LINK_TAG not in config.tags:
            return None
        change = self.change_of(config.config_id)
        if change is None or change.kind != "config":
            return change
        try:
            self.write(change)
        except (CannotWrite, Conflict):
            return self.change_of(config.config_id)
        return None

    # inside

    def _settle(self, config: Config) -> Config:
        """Note that file and config are equal now."""
        if config.tags.get(LINK_TAG) == str(config.revision):
            return config
        return self._configs.update(config.config_id, tags={**config.tags, LINK_TAG: str(config.revision)})

    def _base(self, config: Config) -> str | None:
        number = config.tags[LINK_TAG]
        found = self._configs.revision(config.config_id, int(number)) if number.isdecimal() else None
        return found.yaml_content if found else None

    def _require(self, config_id: str) -> Config:
        config = self._configs.get(config_id)
        if config is None:
            raise NotFound(f"there is no config {config_id}")
        return config


def given_tags(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that somebody gives a config, with those of its `own` that only the program sets.

    Raises:
        UsageError: If one of those is given another value: it would name a file to be written, or vouch for one.
    """
    kept = {key: own[key] for key in FILE_TAGS if key in own}
    wrong = [key for key in FILE_TAGS if key in given and given[key] != kept.get(key)]
    if wrong:
        raise UsageError(f"the tag `{wrong[0]}` is set by the program: by import, link and unlink")
    return {**given, **kept}


def path_of(config: ConfigMetadata) -> Path:
    """Return the file of a linked config."""
    return Path(config.tags[FILE_TAG])


def _stamp(path: Path) -> tuple[object, ...]:
    try:
        info = path.stat()
    except OSError as error:
        return (error.errno,)
    return (info.st_mtime_ns, info.st_size, info.st_ino)
