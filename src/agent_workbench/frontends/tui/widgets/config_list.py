"""The configs, by folder, with what a person should know of each before opening it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.reactive import reactive

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.lines import Run
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services.links import FILE_TAGS, Kind
from agent_workbench.storage.records import ConfigMetadata

#: The tag that puts a config into a folder.
FOLDER = "folder"
#: The folder of what ships with the program.
SAMPLES = "samples"
#: Tags that the program sets and reads itself.
OWN_TAGS = frozenset((FOLDER, *FILE_TAGS))
#: What a mark before a name means.
MARKS: Mapping[str, Run] = {
    "unsaved": ("* ", "warn sign"),
    "problem": ("! ", "bad sign"),
    "running": ("● ", "state sign"),
    "": ("  ", ""),
}
SORTS: Mapping[str, str] = {"updated": "newest first", "name": "by name"}
"""How the list may be sorted, in words."""  # fmt: skip


def config_rows(
    configs: Sequence[ConfigMetadata],
    marks: Mapping[str, str] = {},
    current: str = "",
    *,
    about: bool = False,
    missing: Mapping[str, Sequence[str]] = {},
    files: Mapping[str, Kind] = {},
) -> Iterator[Row]:
    """Yield rows by folder, one's own first and the samples last.

    `marks` maps ids to a key of `MARKS`, `missing` to the variables that a config refers to and nobody has set (none:
    all that it refers to are set, which a newcomer should know of a sample), `files` to what happened to the file that
    a config is linked to; `about` adds descriptions, tags and the names of the variables, where there is room for them.
    """
    folders: dict[str, list[ConfigMetadata]] = {}
    for config in configs:
        folders.setdefault(config.tags.get(FOLDER, ""), []).append(config)
    for folder in sorted(folders, key=lambda name: (name == SAMPLES, name)):
        if len(folders) > 1:
            yield Row(f"folder {folder}", [(clean_line(folder) or "mine", "muted")], heading=True)
        for config in folders[folder]:
            state = _state(config, missing.get(config.config_id), files.get(config.config_id), named=about)
            right = [state] if state else []
            if config.sessions:
                right.append((f"  {config.sessions}" if right else f"{config.sessions}", "muted"))
            name = (clean_line(config.name), "strong" if config.config_id == current else "")
            left = [MARKS[marks.get(config.config_id, "")], name]
            if about and config.description:
                left.append((f"{' ' * max(2, 14 - len(config.name))}{clean_line(config.description, 200)}", "muted"))
            if about and (shown := tags_of(config)):
                left.append((f"  {' '.join(f'#{clean_line(tag)}' for tag in shown)}", "key"))
            yield Row(config.config_id, left, right)


def _state(config: ConfigMetadata, wanted: Sequence[str] | None, file: Kind | None, *, named: bool) -> Run | None:
    """Return what of a config a person should know before running it; of several things the first to be done."""
    if file is not None:
        return ("file gone" if file == "gone" else "file changed"), "warn"
    if config.outside:
        return "not trusted", "warn"
    if wanted:
        return f"needs {clean_line(', '.join(wanted), 60)}" if named else "needs key", "warn"
    is_ready_sample = wanted is not None and config.tags.get(FOLDER) == SAMPLES
    return ("key set", "good") if is_ready_sample else None


def tags_of(config: ConfigMetadata) -> dict[str, str]:
    """Return the tags that a person gave a config: not its folder, nor those that tie it to a file."""
    return {key: value for key, value in config.tags.items() if key not in OWN_TAGS}


def split_words(words: str) -> tuple[str, str]:
    """Return what the filter line says as (words, tag): `#team notes` is the words `notes` under the tag `team`."""
    tags = [word[1:] for word in words.split() if word.startswith("#") and len(word) > 1]
    rest = " ".join(word for word in words.split() if not word.startswith("#"))
    return rest, tags[0] if tags else ""


class ConfigList(Browser):
    """The config browser."""

    TITLE = "Configs"
    EMPTY = "No config yet.\n{configs.create|c} makes one,\n{configs.import|i} imports one"
    FILTER = "filter, #tag"
    sort: reactive[str] = reactive("updated", init=False)
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("configs.create", "c", "ask('create')", "new config", "Make a config from a sample"),
        bind("configs.session", "n", "ask('session')", "session", "Start a session of this config"),
        bind("configs.rename", "r", "ask('rename')", "rename", "Give the config another name"),
        bind("configs.duplicate", "d", "ask('duplicate')", "copy", "Make a copy of the config", show=False),
        bind("configs.import", "i", "ask('import')", "import", "Make one from a file, folder or address", show=False),
        bind("configs.export", "e", "ask('export')", "export", "Write the config to a file", show=False),
        bind("configs.tags", "t", "ask('tags')", "tags", "Tag the config", show=False),
        bind("configs.sort", "s", "ask('sort')", "sort", "By name, or the newest first", show=False),
        bind("configs.undo", "u", "ask('undo')", "undo delete", "Take the newest deletion back", show=False),
        bind("configs.delete", "delete", "ask('delete')", "delete", "Delete the config", show=False),
    ]

    _wanted = ""

    def follow(self, id: str) -> None:
        """Put the cursor on a config, now where it is listed, else when the rows come that hold it."""
        self._wanted = id
        self.put(list(self.entries.rows))

    def put(self, rows: list[Row], *, at: str = "") -> None:
        """Show rows; the first that hold the config to follow bring the cursor there."""
        if any(row.id == self._wanted for row in rows):
            at, self._wanted = at or self._wanted, ""
        super().put(rows, at=at)

    def watch_sort(self, sort: str) -> None:
        self.border_subtitle = SORTS[sort] if sort != "updated" else ""
