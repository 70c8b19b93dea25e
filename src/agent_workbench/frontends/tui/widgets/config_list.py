"""The configs, by folder, with what a person should know of each before opening it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.lines import Run
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.storage.records import ConfigMetadata

#: The tag that puts a config into a folder.
FOLDER = "folder"
#: What a mark before a name means.
MARKS: Mapping[str, Run] = {
    "unsaved": ("* ", "warn"), "problem": ("! ", "bad"), "running": ("● ", "state"), "": ("  ", ""),
}  # fmt: skip


def config_rows(
    configs: Sequence[ConfigMetadata], marks: Mapping[str, str] = {}, current: str = "", *, about: bool = False
) -> Iterator[Row]:
    """Yield rows by folder, one's own first and the samples last.

    `marks` maps ids to a key of `MARKS`; `about` adds the descriptions, where there is room for them.
    """
    folders: dict[str, list[ConfigMetadata]] = {}
    for config in configs:
        folders.setdefault(config.tags.get(FOLDER, ""), []).append(config)
    for folder in sorted(folders, key=lambda name: (name == "samples", name)):
        if len(folders) > 1:
            yield Row(f"folder {folder}", [(clean_line(folder) or "mine", "muted")], heading=True)
        for config in folders[folder]:
            used = f"{config.sessions}" if config.sessions else ""
            name = (clean_line(config.name), "strong" if config.config_id == current else "")
            left = [MARKS[marks.get(config.config_id, "")], name]
            if about and config.description:
                left.append((f"{' ' * max(2, 14 - len(config.name))}{clean_line(config.description, 200)}", "muted"))
            yield Row(config.config_id, left, [(used, "muted")])


class ConfigList(Browser):
    """The config browser."""

    TITLE = "Configs"
    EMPTY = "No config yet.\nc makes one"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("configs.create", "c", "ask('create')", "new config", "Make a config from a sample"),
        bind("configs.session", "n", "ask('session')", "session", "Start a session of this config"),
        bind("configs.rename", "r", "ask('rename')", "rename", "Give the config another name"),
        bind("configs.duplicate", "d", "ask('duplicate')", "copy", "Make a copy of the config", show=False),
        bind("configs.delete", "delete", "ask('delete')", "delete", "Delete the config", show=False),
    ]
