"""Whether rules allow a shell command: every part of it, or none of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_workbench.engine.permissions.places import Place, UnresolvablePath, locate
from agent_workbench.engine.permissions.programs import asked_about, moves_links, reads_below
from agent_workbench.engine.permissions.protected import MadeFrom, protection
from agent_workbench.engine.permissions.rules import FAMILIES, Rule
from agent_workbench.engine.permissions.shell import Argv, read_command
from agent_workbench.engine.permissions.strangers import stands_for
from agent_workbench.engine.permissions.words import spelled, words_pattern

MAX_BELOW = 5_000
"""Names; a command that reads more of them at once asks, because looking at their names costs 20 µs each."""
NOT_PLAIN = "plain commands"
"""What asks about a command that no rule can stand for."""
WRITTEN_BY_PROGRAMS = (".git", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".tox")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What rules say about a command.

    `doubt` is why no rule may allow it, and `asked_by` what says so. Without one, `by` are the rules that allow parts
    and `missing` the parts that none allows, each once.
    """

    doubt: str = ""
    asked_by: str = NOT_PLAIN
    by: tuple[Rule, ...] = ()
    missing: tuple[Argv, ...] = ()

    def grants(self, tool: str) -> tuple[str, ...]:
        """Return the narrowest rules that would allow what is missing."""
        return tuple(f"{tool}({spelled(argv)})" for argv in self.missing)


def judge_command(
    command: str, tool: str, rules: Sequence[Rule], workspace: Path, made_from: MadeFrom = MadeFrom()
) -> Judgement:
    """Judge each part by the allowing rules. Reads the file system: words are looked up as paths.

    A wildcard covers no word that leads out of the workspace, or to what a rule keeps from the file tools.
    """
    reading = read_command(command)
    if reading.doubt:
        return Judgement(f"only plain commands are allowed by a rule, and {reading.doubt}")
    allowing = [rule for rule in rules if rule.ruling == "allow" and rule.names(tool)]
    guarding = [rule for rule in rules if rule.ruling != "allow" and rule.pattern is not None and _about_files(rule)]
    by: dict[Rule, None] = {}
    missing: dict[Argv, None] = {}
    for argv, settled in dict.fromkeys(_in_order(reading.parts)):
        if doubt := asked_about(argv):
            return Judgement(doubt)
        if doubt := _protected(argv, workspace, made_from):
            return Judgement(doubt, "protected paths")
        if doubt := _kept_below(argv, workspace, guarding):
            return Judgement(doubt, "protected paths")
        found = next((rule for rule in allowing if _allows(rule, argv, guarding, workspace, settled)), None)
        if found is None:
            missing[argv] = None
        else:
            by[found] = None
    return Judgement(by=tuple(by), missing=tuple(missing))


def may_move_links(command: str) -> bool:
    """Whether a command may put a link where there was none, so that what is judged beside it may lead elsewhere."""
    parts = read_command(command).parts
    return not parts or any(map(moves_links, parts))


def _in_order(parts: Iterable[Argv]) -> Iterable[tuple[Argv, bool]]:
    """Yield each part with whether its words still lead where they lead now: no part before it moves links."""
    settled = True
    for argv in parts:
        yield argv, settled or argv[0] == "git"  # git opens its files itself, and follows no link out of its tree
        settled = settled and not moves_links(argv)


def _allows(rule: Rule, argv: Argv, guarding: Sequence[Rule], workspace: Path, settled: bool) -> bool:
    pattern = words_pattern("*" if rule.pattern is None else rule.pattern)
    wild = pattern.match(argv) if pattern else None
    if pattern is None or wild is None or not stands_for(argv, wild, program=not pattern.names_program):
        return False
    words = wild if pattern.names_program else wild[1:]  # a known program is found by its name, wherever links lead
    if not settled and any(not word.startswith("-") for word in words):
        return False
    places = [place for word in words for place in _places(word, workspace)]
    if any(place.hard_linked or not place.inside(workspace) for place in places):
        return False
    return not any(guard.matches_paths([place], workspace) for guard in guarding for place in places)


def _about_files(rule: Rule) -> bool:
    return any(rule.names(name) for family in FAMILIES for name in family)


def _protected(argv: Argv, workspace: Path, made_from: MadeFrom) -> str:
    """Return why a word of a command asks: a command may write whatever it names."""
    for word in argv:
        try:
            places = list(_places(word, workspace))
        except UnresolvablePath as error:
            return f"{word[:80]!r}: {error}"
        for place in places:
            found = protection(place, writing=True, workspace=workspace, made_from=made_from)
            if found:
                return f"{place.given} is protected: {found[1]}"
    return ""


def _kept_below(argv: Argv, workspace: Path, guarding: Sequence[Rule]) -> str:
    """Return why a command asks that reads all files below a folder: one of them holds secrets, or a rule keeps it."""
    reach = reads_below(argv)
    if reach == "none":
        return ""
    named = [place.resolved for word in argv[1:] for place in _places(word, workspace) if place.resolved.is_dir()]
    below = (path for folder in named or [workspace] for path in _below(folder, hidden=reach == "all"))
    for number, path in enumerate(below):
        if number >= MAX_BELOW:
            return f"it reads more than {MAX_BELOW:,} files"
        place = Place(str(path), path, path)
        kept = protection(place, writing=False, workspace=workspace)
        if kept or any(guard.matches_paths([place], workspace) for guard in guarding):
            return f"it would read {path} as well, which is kept from it"
    return ""


def _below(folder: Path, *, hidden: bool) -> Iterable[Path]:
    """Yield what lies below a folder, without the inside of what only programs write."""
    for at, folders, files in os.walk(folder):
        shown = [name for name in (*folders, *files) if hidden or not name.startswith(".")]
        yield from (Path(at, name) for name in shown)
        folders[:] = [name for name in folders if name in shown and name not in WRITTEN_BY_PROGRAMS]


def _places(word: str, workspace: Path) -> Iterable[Place]:
    """Return the paths that a word may name: itself, and what follows `=`, `:`, `@`, `,` or an option's letter."""
    pieces = {word, *re.split("[=:@,]", word)}
    if word.startswith("-"):
        pieces |= {word[2:], *(word[word.find(mark) :] for mark in "./~" if mark in word)}
    return [locate(piece, workspace) for piece in sorted(pieces - {""})]
