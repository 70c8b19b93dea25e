"""The mount plan: what a session is made from, and where every value of it came from."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent_workbench.configs.problems import Problem, errors

if TYPE_CHECKING:
    from agent_workbench.configs.compose import Node


@functools.lru_cache(maxsize=8)
def digest_of(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 as hexadecimal digits: what a document is known by. Asked for many times."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Origin:
    """A place that set a value. `source` is the config's name, a file or an include URI; `line` counts from 1.

    `commit` is the resolved one where the source is a git repository. `document` is the digest of the text that the
    line is in; two places that read alike are equal whatever it is, since names may repeat.
    """

    source: str
    line: int = 0
    commit: str = ""
    document: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Document:
    """A text that values of a plan come from: the config's own, an included bundle's, or an agent file's.

    `source` is what origins call it. `place` is the same for each version of it: the resolved path of a local file, the
    address of a `remote` one, `config:` and the id of a stored config; empty for the config's own text.
    """

    digest: str
    source: str
    place: str = ""
    remote: bool = False
    text: str = field(default="", compare=False, repr=False)

    @property
    def own(self) -> bool:
        """Whether it is the config's own text."""
        return not self.place


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent that can be delegated to: inline values over those of its file."""

    name: str
    description: str = ""
    instruction: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """All other keys (`tools`, `providers`, `model_role`, …), as composed."""
    context_texts: tuple[tuple[str, str], ...] = ()
    """What its system prompt gets besides the instruction: the files that it mentions, in order."""


@dataclass(frozen=True)
class Plan:
    """A resolved bundle.

    `mount_plan` holds only the non-empty of session, providers, tools, hooks, agents, spawn; environment
    references in it are NOT expanded. `origins` maps a value's path (`providers[provider-x].config.model`, list
    entries by id or module) to the places that set it, the winner last. `context` maps a name to the file that it
    stands for; `context_texts` holds what the system prompt gets, in order. `digest` identifies all of
    the content it was resolved from: equal digests mean equal plans. `instruction` is the system prompt without
    context. `documents` are the texts that values come from, the config's own first; `tree` is the mount plan again,
    by section, with the origins of each value.
    """

    name: str
    version: str
    description: str
    mount_plan: Mapping[str, Any]
    instruction: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    context_texts: tuple[tuple[str, str], ...] = ()
    agents: Mapping[str, AgentSpec] = field(default_factory=dict)
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    includes: tuple[str, ...] = ()
    digest: str = ""
    documents: tuple[Document, ...] = ()
    tree: Mapping[str, Node] = field(default_factory=dict, compare=False, repr=False)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What stops a session from starting."""
        return errors(self.problems)
