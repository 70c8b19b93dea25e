"""The files that a composed bundle points to: agents, context files, and what their texts mention."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from agent_workbench.configs.compose import Layer, Node, Part, plain
from agent_workbench.configs.fetching import Failure, Fetched, Location
from agent_workbench.configs.fixes import word_fix
from agent_workbench.configs.mentions import Mention, mentions, split_namespace
from agent_workbench.configs.plan import AgentSpec, Document, Origin, digest_of
from agent_workbench.configs.problems import Problem, Severity
from agent_workbench.configs.reader import Reading, read, show_path
from agent_workbench.configs.scope import Lookup, Scope
from agent_workbench.configs.traced import traced
from agent_workbench.configs.words import nearest

MAX_MENTION_DEPTH = 3
#: A prompt of more files or characters than this is a mistake, not a context.
MAX_TEXTS = 300
MAX_CHARACTERS = 2_000_000


@dataclass
class Gathered:
    """What was found for one prompt, in order; `seen` holds hashes of contents, so that nothing comes twice."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    size: int = 0


class References:
    """Looks up the files of a composed layer; what is missing is in `problems`, with columns in the `own` text."""

    def __init__(self, lookup: Lookup, base: Location, namespaces: dict[str, Location], own: Reading) -> None:
        self.lookup, self.base, self.namespaces, self.own = lookup, base, namespaces, own
        self.problems: list[Problem] = []
        self.documents: list[Document] = []
        self._named: tuple[str, ...] = ()

    # agents

    def agents(self, layer: Layer) -> Iterator[tuple[AgentSpec, Node]]:
        """Yield every agent with its composed data, in order."""
        self._named = tuple(layer.agents)
        for part in layer.agents.values():
            node = self._agent(part)
            data = plain(node)
            instruction = data.get("instruction") or ""
            texts: tuple[tuple[str, str], ...] = ()
            if isinstance(instruction, str) and "@" in instruction:
                texts = tuple(self.mentioned(instruction, self._scope(part), node.value["instruction"].origins[-1]))
            rest = {k: v for k, v in data.items() if k not in ("name", "description", "instruction")}
            yield AgentSpec(part.name, str(data.get("description") or ""), str(instruction), rest, texts), node

    def _agent(self, part: Part) -> Node:
        inline = dict(part.node.value) if part.node is not None else {"name": Node(part.name, (part.origin,))}
        found = self._agent_file(part)
        if isinstance(found, Failure):
            if part.node is None:
                found = self._alike(part, found)
                reason = f"no agent `{part.name}`: {found.reason}"
                found = _without_suffix(found)
                self._say("error", part, reason, "agent-missing", found.hint or "an agent is `agents/<name>.md`", found)
            return Node(inline, (part.origin,))
        reading, tree = _agent_tree(found.text, found.at)
        self.documents.append(found.document)
        self.problems.extend(reading.problems)
        for key, value in tree.items():
            if key not in inline or not inline[key].value:
                inline[key] = value
        return Node(inline, (part.origin,))

    def _alike(self, part: Part, failure: Failure) -> Failure:
        """Name the agent of the config, its includes' ones too, that was meant where no file is called alike."""
        like = "" if failure.meant else nearest(part.name, (name for name in self._named if name != part.name))
        return replace(failure, hint=f"did you mean `{like}`?", slip=part.name, meant=like) if like else failure

    def _agent_file(self, part: Part) -> Fetched | Failure:
        namespace, name = split_namespace(part.name)
        scope = self._scope(part)
        path = f"agents/{name}.md"
        if namespace:
            return self.lookup.within(namespace, path, scope, "file")
        return self._first(path, scope)

    # context and mentions

    def context(self, layer: Layer, gathered: Gathered) -> dict[str, str]:
        """Return the path of each context file, and gather their texts and what they mention."""
        paths: dict[str, str] = {}
        for part in layer.context.values():
            scope = self._scope(part)
            namespace, path = split_namespace(part.reference)
            found = self.lookup.within(namespace, path, scope, "file") if namespace else self._first(path, scope)
            if isinstance(found, Failure):
                reason = f"no context file `{part.reference}`: {found.reason}"
                self._say("error", part, reason, "context-missing", found.hint, found)
                continue
            paths[part.name] = found.path
            self._add(part.name, found, scope, gathered, 0)
        return paths

    def mentioned(
        self, text: str, scope: Scope, origin: Origin, gathered: Gathered | None = None
    ) -> list[tuple[str, str]]:
        """Return the texts that a text mentions, and what those mention, three levels deep."""
        gathered = gathered or Gathered()
        for mention in mentions(text):
            self._mention(mention, scope, origin, gathered, 1)
        return gathered.texts

    def _mention(self, mention: Mention, scope: Scope, origin: Origin, gathered: Gathered, depth: int) -> None:
        namespace, path = split_namespace(mention.reference)
        if namespace and not path:
            return
        found = self.lookup.within(namespace, path, scope, "file") if namespace else self._first(path, scope)
        if isinstance(found, Failure):
            if mention.sure:
                line = origin.line + mention.line if origin.line else 0
                source = "" if origin.source == self.base.label else origin.source
                message = f"@{mention.reference} is mentioned and cannot be read: {found.reason}"
                column = 0 if source else self._column(line, f"@{mention.reference}")
                self.problems.append(
                    Problem("warning", message, line, column, hint=found.hint, code="mention-missing", source=source)
                )
            return
        self._add(f"@{mention.reference}", found, scope, gathered, depth)

    def _add(self, name: str, found: Fetched, scope: Scope, gathered: Gathered, depth: int) -> None:
        mark = _mark(found.text)
        if mark in gathered.seen:
            return
        gathered.seen.add(mark)
        gathered.size += len(found.text)
        if len(gathered.texts) >= MAX_TEXTS or gathered.size > MAX_CHARACTERS:
            message = f"more than {MAX_TEXTS} files or {MAX_CHARACTERS:,} characters of context"
            self.problems.append(
                Problem("error", message, hint="mention less", code="context-too-large", source=found.at.label)
            )
            return
        gathered.texts.append((name, found.text))
        if depth >= MAX_MENTION_DEPTH:
            return
        for mention in mentions(found.text):
            inner = replace(scope, at=found.at)
            self._mention(mention, inner, Origin(found.at.label, 1), gathered, depth + 1)

    def _first(self, path: str, scope: Scope) -> Fetched | Failure:
        """Fetch a file beside the text, else at the top of its tree, else in the folder that the config works in."""
        places = [scope.at]
        if scope.root is not None:
            places.append(scope.root.at)
        if not scope.at.remote:
            places.append(self.base)
        failures: list[Failure] = []
        for place in dict.fromkeys(places):
            if not place.folder:
                continue
            found = self.lookup.fetch(path if path.startswith(("/", "./", "../", "~")) else f"./{path}", place, "file")
            if isinstance(found, Fetched):
                return found
            failures.append(found)
        alike = (failure for failure in failures if failure.meant)
        return next(alike, failures[0]) if failures else Failure("there is no folder to look in")

    def _scope(self, part: Part) -> Scope:
        scope = part.scope if isinstance(part.scope, Scope) else Scope(self.base)
        return scope.with_includes(self.namespaces)

    def _say(self, severity: Severity, part: Part, message: str, code: str, hint: str, failure: Failure) -> None:
        source = "" if part.origin.source == self.base.label else part.origin.source
        place = None if source else self.own.place(part.path)
        line, column = (place.line, place.column) if place else (part.origin.line, 0)
        fix = word_fix(self.own, part.path, failure.corrected(part.reference)) if place else None
        self.problems.append(Problem(severity, message, line, column, show_path(part.path), hint, code, source, fix))

    def _column(self, line: int, words: str) -> int:
        """Return where words stand in a line of the own text, from 1; 0 where they do not."""
        lines = self.own.text.splitlines()
        return lines[line - 1].find(words) + 1 if 0 < line <= len(lines) else 0


def _without_suffix(failure: Failure) -> Failure:
    """Return what an agent's file is missing as a name: agents are named without `.md`."""
    if not failure.meant:
        return failure
    slip, meant = failure.slip.removesuffix(".md"), failure.meant.removesuffix(".md")
    return replace(failure, slip=slip, meant=meant, hint=failure.hint.replace(failure.meant, meant))


@lru_cache(maxsize=512)
def _mark(text: str) -> bytes:
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).digest()


@lru_cache(maxsize=256)
def _agent_tree(text: str, at: Location) -> tuple[Reading, dict[str, Node]]:
    """Return an agent file's data: `meta` (or flat front matter), its siblings, and the body as `instruction`."""
    reading = read(text, source=at.label, markdown=True)
    top: dict[str, Any] = dict(traced(reading, at).value)
    meta = top.pop("meta", None)
    tree: dict[str, Node] = dict(meta.value) if meta is not None and isinstance(meta.value, dict) else {}
    tree = {**tree, **top}
    if "description" not in tree:
        tree["description"] = Node("", (Origin(at.label, 1, at.commit, digest_of(text)),))
    body = reading.body.strip()
    if body:
        lead = len(reading.body) - len(reading.body.lstrip())
        line = reading.text.count("\n", 0, len(reading.text) - len(reading.body) + lead) + 1
        tree["instruction"] = Node(body, (Origin(at.label, line, at.commit, digest_of(text)),))
    return reading, tree
