"""What a new config starts from: the samples that ship with the program, and an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent_workbench.configs.document import Document
from agent_workbench.configs.reader import read
from agent_workbench.configs.words import nearest, quoted
from agent_workbench.errors import NotFound
from agent_workbench.services.samples import sample_files

EMPTY = """# Say here in one sentence what this agent is for.

bundle:
  name: {name}
  version: 1.0.0

# Who answers. provider-mock is offline; the templates `anthropic`, `openai` and `local` show others.
providers:
  - module: provider-mock

# What it may use.
tools:
  - module: tool-filesystem
"""


@dataclass(frozen=True, slots=True)
class Template:
    """A text to start from. `summary` is the sentence of its first comment."""

    name: str
    summary: str
    text: str


def templates() -> Iterator[Template]:
    """Yield the templates, the simplest first."""
    for path in sample_files():
        text = path.read_text("utf-8")
        first = next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")
        yield Template(path.stem, first, text)


def template(name: str) -> Template:
    """Return one template.

    Raises:
        NotFound: If there is none of that name; the message names the nearest.
    """
    known = {one.name: one for one in templates()}
    if name in known:
        return known[name]
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
    raise NotFound(f"there is no template {name!r}; {hint}")


def empty(name: str) -> str:
    """Return the smallest config that runs."""
    return EMPTY.format(name=quoted(name, like=""))


def renamed_from(text: str, old: str, name: str) -> str:
    """Return a text whose bundle has the new name where it had the old one, else the text as it is."""
    bundle = read(text).data.get("bundle")
    return renamed(text, name) if isinstance(bundle, dict) and bundle.get("name") == old else text


def renamed(text: str, name: str) -> str:
    """Return a template's text with the bundle's own name changed and every other byte kept."""
    return Document(text).set_value(("bundle", "name"), name).apply(text)
