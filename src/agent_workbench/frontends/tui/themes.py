"""Themes: one YAML file each, its stem the name, shipped ones first and the person's own over them.

A file that cannot be used becomes a `Problem`, never a crash: Textual itself fails on a bad colour only at the
moment of switching to the theme, with the screen half drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from textual.color import Color, ColorParseError
from textual.theme import Theme

from agent_workbench.configs.problems import Problem
from agent_workbench.errors import UsageError
from agent_workbench.paths import config_dir, shipped

DEFAULT = "ink"
#: How much of the text's colour a frame without the focus has: 1.6:1 and more on its ground, seen and still quiet.
FRAME = 0.22
#: How much of it quiet words have: about 5:1, still read.
MUTED = 0.65
#: Where the one that was chosen is remembered.
THEME = "tui.theme"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Colors(BaseModel):
    """Colours as `#rrggbb` or a CSS name; all are checked before the theme is offered."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_a_color(cls, value: object) -> object:
        try:
            Color.parse(value if isinstance(value, str) else str(value))
        except ColorParseError:
            raise ValueError(f"{value!r} is not a colour; write it as '#rrggbb' or a CSS name") from None
        return value


class _Palette(_Colors):
    primary: str
    secondary: str
    accent: str
    foreground: str
    background: str
    surface: str
    panel: str
    success: str
    warning: str
    error: str
    muted: str = ""
    """Of quiet words; where it is not given, some of the text's colour on the ground."""
    frame: str = ""
    """Of parts without the focus, and of scrollbars; where it is not given, some of the text's colour on the ground."""


class _Syntax(_Colors):
    key: str
    module: str
    string: str
    number: str
    constant: str
    comment: str
    punctuation: str
    anchor: str


class _ThemeFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=40)
    dark: bool
    colors: _Palette
    syntax: _Syntax


@dataclass(frozen=True)
class Themes:
    """What can be chosen, by name, with the names for people and the files that cannot be used."""

    by_name: Mapping[str, Theme]
    titles: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def read_theme(text: str, name: str) -> tuple[Theme, str]:
    """Return a theme and its title from the text of its file.

    Raises:
        UsageError: If the text is not a theme; says which key and why.
    """
    try:
        data = yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"theme {name!r} is not valid YAML: {error}") from error
    try:
        file = _ThemeFile.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"theme {name!r}: {'; '.join(_complaints(error))}") from error
    variables = {f"syntax-{part}": color for part, color in file.syntax.model_dump().items()}
    theme = Theme(
        name=name,
        dark=file.dark,
        variables={**variables, **_quiet(file.colors)},
        **file.colors.model_dump(exclude={"frame", "muted"}),
    )
    return theme, file.title


def load_themes(folders: Iterable[Path] | None = None) -> Themes:
    """Read all themes: those shipped, then those in the person's own folder, which win by name."""
    by_name: dict[str, Theme] = {}
    titles: dict[str, str] = {}
    problems: list[Problem] = []
    for path in _files(folders if folders is not None else (shipped("themes"), config_dir() / "themes")):
        try:
            by_name[path.stem], titles[path.stem] = read_theme(path.read_text("utf-8"), path.stem)
        except (UsageError, OSError, UnicodeDecodeError) as error:
            problems.append(Problem("warning", str(error), source=str(path), code="theme"))
    return Themes(by_name, titles, tuple(problems))


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(folder.glob("*.yaml"))


def _complaints(error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        where = ".".join(str(part) for part in one["loc"]) or "the file"
        yield f"{where}: {one['msg'].removeprefix('Value error, ')}"


def _quiet(colors: _Palette) -> dict[str, str]:
    """Derive what Textual would paint loudly: borders, cursors, scrollbars and the footer stay calm.

    The chosen line of a list that has no focus keeps the text colour; only focus uses the primary colour.
    """
    ground, text = Color.parse(colors.background), Color.parse(colors.foreground)
    frame = colors.frame or ground.blend(text, FRAME).hex
    return {
        "text-muted": colors.muted or ground.blend(text, MUTED).hex,
        "border": colors.primary,
        "border-blurred": frame,
        "block-cursor-background": colors.panel,
        "block-cursor-foreground": colors.foreground,
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": colors.surface,
        "block-cursor-blurred-foreground": colors.foreground,
        "block-cursor-blurred-text-style": "none",
        "block-hover-background": colors.panel,
        "footer-background": colors.background,
        "footer-foreground": colors.secondary,
        "footer-key-foreground": colors.foreground,
        "footer-description-foreground": colors.secondary,
        "scrollbar": frame,
        "scrollbar-hover": colors.secondary,
        "scrollbar-active": colors.primary,
        "scrollbar-background": colors.background,
        "scrollbar-background-hover": colors.background,
        "scrollbar-background-active": colors.background,
        "scrollbar-corner-color": colors.background,
        "button-foreground": colors.foreground,
    }
