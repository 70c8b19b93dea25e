"""`tool-skills`: folders with a `SKILL.md`, offered by name and description, loaded when they are needed."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.configs.reader import decode, read
from agent_workbench.conversation.clean import clean_line
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.tools.files import read_bytes
from agent_workbench.errors import ConfigError

FILE = "SKILL.md"
DEFAULT_FOLDERS = (".amplifier/skills", "~/.amplifier/skills")
MAX_SKILLS = 200
MAX_DESCRIPTION = 400
"""Characters of a description that are sent with every request."""
MAX_BYTES = 200_000
MAX_LISTED = 50
"""Files of a skill's folder that are named besides its text."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SkillsConfig(ModuleConfig):
    """The config of `tool-skills`. Relative paths are those of the bundle's file, else of the session's folder."""

    skills: list[str] | str = Field(default_factory=list)
    """Folders that hold skills, each in a folder of its own with a `SKILL.md`; the first of a name wins."""
    skills_dir: str = ""
    """One more such folder."""
    skills_dirs: list[str] = Field(default_factory=list)
    """More such folders."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that are named, else the usual ones."""
        listed = [self.skills] if isinstance(self.skills, str) else self.skills
        named = [one for one in (*listed, self.skills_dir, *self.skills_dirs) if one]
        return tuple(named) or DEFAULT_FOLDERS


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill. `path` is the resolved `SKILL.md`; `fault` says why it cannot be offered."""

    name: str
    description: str
    path: Path
    fault: str = ""


@dataclass(frozen=True)
class LoadSkill:
    """load_skill: the text of one skill, or what there is."""

    folders: tuple[str, ...]
    base: Path
    known: tuple[Skill, ...]

    @property
    def spec(self) -> ToolSpec:
        """How a model sees it: with every skill's description, as it was when the session was prepared."""
        lines = [f"- {skill.name}: {skill.description}" for skill in self.known if not skill.fault]
        words = "Load a skill: instructions for a kind of task. Load one before you start on a task that it describes."
        return ToolSpec(
            "load_skill",
            "\n".join([words, "Skills:", *lines]) if lines else f"{words} There are none yet; `list` looks again.",
            {
                "type": "object",
                "properties": {
                    "skill_name": {"type": "string", "description": "The skill to load."},
                    "list": {"type": "boolean", "description": "Name all skills instead, as they are now."},
                    "search": {"type": "string", "description": "Name the skills that these words describe instead."},
                },
                "anyOf": [{"required": ["skill_name"]}, {"required": ["list"]}, {"required": ["search"]}],
            },
        )

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which file is read."""
        name = arguments.get("skill_name", "")
        skill = self._named(name, self.known) if name else None
        if skill is None:
            return Intent("none", name or "list")
        return Intent("read", str(skill.path), (str(skill.path),), f"read the skill {skill.name} ({skill.path})")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Return the skill's text with the folder that its files are in."""
        name = arguments.get("skill_name", "")
        if not name:
            found = await asyncio.to_thread(find_skills, self.folders, self.base)
            return _listed(found, arguments.get("search", ""))
        skill = self._named(name, self.known)
        if skill is None:
            return await asyncio.to_thread(self._unknown, name)
        context.guard(skill.path)
        try:
            body, files = await asyncio.to_thread(_loaded, skill.path)
        except (OSError, ConfigError) as error:
            return ToolOutcome(f"the skill {name} cannot be read: {error}", is_error=True)
        beside = "".join(f"\n- {file}" for file in files)
        more = f"\n\nFiles of this skill, relative to {skill.path.parent}:{beside}" if files else ""
        details = {"skill": skill.name, "path": str(skill.path)}
        return ToolOutcome(f"# Skill {skill.name}\n\n{body.strip()}{more}", details=details)

    def _unknown(self, name: str) -> ToolOutcome:
        now = find_skills(self.folders, self.base)
        new = self._named(name, now)
        if new is not None and not new.fault:
            words = f"the skill {name} is new since this session was prepared; it is in {new.path}"
            return ToolOutcome(words, is_error=True)
        faults = [f"{skill.name}: {skill.fault}" for skill in now if skill.fault]
        known = ", ".join(skill.name for skill in now if not skill.fault) or "none"
        return ToolOutcome("\n".join([f"There is no skill {name!r}. Skills: {known}.", *faults]), is_error=True)

    @staticmethod
    def _named(name: str, skills: Sequence[Skill]) -> Skill | None:
        return next((skill for skill in skills if skill.name == name and not skill.fault), None)


def find_skills(folders: Sequence[str], base: Path) -> tuple[Skill, ...]:
    """Return the skills of some folders, by name; those with a fault are there too. The first of a name wins."""
    found: dict[str, Skill] = {}
    for folder in folders:
        if "://" in folder or folder.startswith("git+"):
            found.setdefault(
                folder, Skill(folder, "", Path(folder), "is not fetched here: clone it and name the folder")
            )
            continue
        for path in _files(Path(base, Path(folder).expanduser())):
            skill = _skill(path)
            if skill.name not in found or found[skill.name].fault:
                found[skill.name] = skill
            if len(found) >= MAX_SKILLS:
                return tuple(found[name] for name in sorted(found))
    return tuple(found[name] for name in sorted(found))


def _files(root: Path) -> Iterator[Path]:
    """Yield the resolved `SKILL.md` files of a folder: its own, else those one level down. Links out are left."""
    try:
        real = root.resolve()
        candidates = [real / FILE] if (real / FILE).is_file() else sorted(one / FILE for one in real.iterdir())
    except (OSError, RuntimeError, ValueError):
        return
    for candidate in candidates:
        path = candidate.resolve()
        if path.name == FILE and path.is_relative_to(real) and path.is_file():
            yield path


def _skill(path: Path) -> Skill:
    folder = path.parent.name
    try:
        reading = read(decode(read_bytes(path, MAX_BYTES)), source=str(path), markdown=True)
    except (OSError, ConfigError) as error:
        return Skill(folder, "", path, str(error))
    name, description = reading.data.get("name", folder), reading.data.get("description", "")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return Skill(folder, "", path, "its name is not one word of letters, digits, - and _")
    if not isinstance(description, str) or not description.strip():
        fault = str(reading.problems[0]) if reading.problems else "its front matter has no description"
        return Skill(name, "", path, fault)
    return Skill(name, clean_line(description, MAX_DESCRIPTION), path)


def _loaded(path: Path) -> tuple[str, list[str]]:
    """Return a skill's text and the names of the files beside it."""
    body = read(decode(read_bytes(path, MAX_BYTES)), source=str(path), markdown=True).body
    return body, list(islice(_beside(path), MAX_LISTED))


def _beside(path: Path) -> Iterator[str]:
    """Yield the names of the files of a skill but its text, folder by folder and no more than are taken."""
    for folder, names, files in os.walk(path.parent):
        names.sort()
        for each in (Path(folder, name) for name in sorted(files)):
            if each != path and each.is_file() and not each.is_symlink():
                yield clean_line(str(each.relative_to(path.parent)))


def _listed(skills: Sequence[Skill], search: str) -> ToolOutcome:
    words = search.casefold().split()
    fits = [skill for skill in skills if all(word in f"{skill.name} {skill.description}".casefold() for word in words)]
    lines = [f"{skill.name}: {skill.fault or skill.description}" for skill in fits]
    return ToolOutcome("\n".join(lines) or "There are no such skills.", details={"skills": len(fits)})


def create(config: SkillsConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make the tool. Reads the front matter of the skills that are there now."""
    base = Path(context.resources.get("base", context.workspace))
    return (LoadSkill(config.folders, base, find_skills(config.folders, base)),)


MODULE = Module(
    "tool-skills",
    "tool",
    "Folders with a SKILL.md, loaded on demand: load_skill.",
    SkillsConfig,
    create,
    ("load_skill",),
)
