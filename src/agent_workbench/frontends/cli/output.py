"""What is printed: data to stdout, narration to stderr, and nothing that a terminal would obey.

Data that goes into a pipe or a file is written as it is; data that goes to a terminal, and all narration, is
made safe to show first.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from agent_workbench.conversation.clean import clean, clean_line

if TYPE_CHECKING:
    from agent_workbench.configs.problems import Problem


def emit(text: str) -> None:
    """Print data, ending in a newline."""
    emit_exactly(text if text.endswith("\n") else text + "\n")


def emit_exactly(text: str) -> None:
    """Print data byte for byte, made visible where stdout is a terminal."""
    if sys.stdout.isatty():
        text = clean(text)
    click.echo(text.encode("utf-8", "replace"), nl=False)


def emit_json(value: Any, *, lines: bool = False) -> None:
    """Print JSON: indented, or on one line. What a terminal would obey is escaped."""
    indent = None if lines else 2
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    if clean(text) != text:
        text = json.dumps(value, ensure_ascii=True, indent=indent, default=str)
    click.echo(text.encode())


def narrate(text: str) -> None:
    """Say something to the person."""
    click.echo(clean(text).encode("utf-8", "replace"), err=True)


def emit_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, limit: int = 60) -> None:
    """Print rows in columns; a cell is one line of at most `limit` columns. Nothing where there are no rows."""
    cells = [[clean_line("" if cell is None else str(cell), limit) for cell in row] for row in rows]
    if not cells:
        return
    widths = [max(_width(row[index]) for row in [list(headers), *cells]) for index in range(len(headers))]
    for row in [list(headers), *cells]:
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip().encode("utf-8", "replace"))


def _width(text: str) -> int:
    """Return how many columns a text takes: wide characters two, combining ones none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)


def show_problems(problems: Iterable[Problem], *, name: str = "") -> None:
    """List problems on stderr, one line each: place, severity, message, and the way out."""
    for problem in problems:
        source = problem.source or name
        place = ":".join(str(part) for part in (source, problem.line, problem.column) if part)
        hint = f"\n    {problem.hint}" if problem.hint else ""
        narrate(f"  {place + ': ' if place else ''}{problem.severity}: {problem.message}{hint}")


def emit_fields(fields: Mapping[str, Any]) -> None:
    """Print names and values in two columns, leaving out what is empty."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", (), {}, [])}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {clean_line(str(value))}".encode("utf-8", "replace"))
