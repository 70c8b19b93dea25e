"""Checks of a composed bundle against the modules that are known: ids, configs, spawn rules, environment, secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from agent_workbench.configs.bundle import SLOTS, Bundle
from agent_workbench.configs.compose import MODULE_SECTIONS, Entry, Layer, Node, plain
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.environment import REFERENCE, references
from agent_workbench.configs.fixes import key_fix, section_fix, value_fix, word_fix
from agent_workbench.configs.modules import SECTION, Catalog, Module, ModuleConfig, ModuleKind
from agent_workbench.configs.problems import Problem, Severity
from agent_workbench.configs.reader import Path, show_path
from agent_workbench.configs.secrets import is_secret_key, literal_secrets
from agent_workbench.configs.wording import names_of, sentence, value_at, written_part
from agent_workbench.configs.words import nearest

_KIND: Mapping[str, ModuleKind] = {
    "providers": "provider", "tools": "tool", "hooks": "hook", "orchestrator": "orchestrator", "context": "context",
}  # fmt: skip
#: The words that a wrong value is said to be none of.
_EXPECTED = re.compile(r"'([^']*)'")
_PREFIXES = ("provider", "tool", "hook", "hooks", "loop", "context")


@dataclass(frozen=True, slots=True)
class EnvironmentUse:
    """A reference without default; `problem` is what to say where it is unset."""

    name: str
    problem: Problem


def environment_problems(uses: Sequence[EnvironmentUse], env: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return the problems of references that are unset and have no default."""
    return tuple(use.problem for use in uses if use.name not in env)


def check(
    layer: Layer, agents: Mapping[str, Node], bundle: Bundle, catalog: Catalog | None, *, complete: bool
) -> tuple[tuple[Problem, ...], tuple[EnvironmentUse, ...]]:
    """Return the problems of a composed bundle, and its uses of the environment.

    `bundle` is the text that problems of its own are placed in; those that an include set carry its source and
    line. Where the includes are not `complete`, a missing value is not called missing.
    """
    checker = _Checker(bundle, catalog or Catalog(), complete)
    checker.secrets()
    if catalog is not None:
        checker.modules(layer, agents)
    checker.environment(layer, agents)
    return tuple(checker.problems), tuple(checker.uses)


class _Checker:
    def __init__(self, bundle: Bundle, catalog: Catalog, complete: bool) -> None:
        self.bundle, self.reading, self.catalog, self.complete = bundle, bundle.reading, catalog, complete
        self.problems: list[Problem] = []
        self.uses: list[EnvironmentUse] = []
        self._tools = {tool: m.id for m in catalog.modules.values() for tool in m.tools}

    def modules(self, layer: Layer, agents: Mapping[str, Node]) -> None:
        for slot in SLOTS:
            node = _child(layer.session, slot)
            if node is not None:
                self._entry(slot, node, ("session", slot))
        for section in MODULE_SECTIONS:
            for entry in layer.modules.get(section, ()):
                self._entry(section, entry.node, entry.path)
        if layer.spawn is not None:
            for key in ("tools", "exclude_tools"):
                self._module_ids(_child(layer.spawn, key), ("spawn", key))
        for name, agent in agents.items():
            self._agent(name, agent)

    def _agent(self, name: str, agent: Node) -> None:
        path: Path = ("agents", name)
        for section in MODULE_SECTIONS:
            items = _child(agent, section)
            if items is not None and isinstance(items.value, list):
                for index, item in enumerate(items.value):
                    if isinstance(item.value, dict):
                        self._entry(section, item, (*path, section, index), agent=True)
        for key in ("exclude_tools",):
            self._module_ids(_child(agent, key), (*path, key))

    # modules

    def _entry(self, where: str, node: Node, path: Path, *, agent: bool = False) -> None:
        is_word = isinstance(node.value, str)
        named = node if is_word else _child(node, "module")
        module_id = named.value if named is not None else None
        if named is None or not isinstance(module_id, str) or not module_id:
            return
        at = path if is_word else (*path, "module")
        module = self.catalog.get(module_id)
        kind = _KIND[where]
        if module is None:
            self._unknown(named, at, module_id, kind, plain(_child(node, "source")), agent=agent)
        elif module.kind != kind:
            severity = self._weight(kind, agent)
            section = SECTION[module.kind]
            article = "an" if module.kind == "orchestrator" else "a"
            hint = f"`{module_id}` is {article} {module.kind}: it belongs to `{section}`"
            fix = section_fix(self.reading, path, section) if self._is_own(node, path) else None
            self._say(severity, named, at, f"{module_id} is not a {kind}", "module-kind", hint, fix)
        else:
            if module.noted_only:
                self._say("info", named, at, f"{module_id} is not needed here: {module.summary}", "module-noted")
            self._config(module, node, path)

    def _weight(self, kind: ModuleKind, agent: bool) -> Severity:
        return "warning" if agent or kind in ("tool", "hook") else "error"

    def _unknown(self, node: Node, at: Path, module_id: str, kind: ModuleKind, source: Any, *, agent: bool) -> None:
        severity = self._weight(kind, agent)
        if module_id in self.catalog.broken:
            reason = self.catalog.broken[module_id]
            self._say(severity, node, at, f"{kind} {module_id} could not be loaded: {reason}", "module-broken")
            return
        if isinstance(source, str) and source.startswith(("/", "./", "../", "file:")):
            message = f"{kind} {module_id} comes from {source}, which runs only where that folder is trusted"
            self._say("info", node, at, message, "module-local")
            return
        if kind == "tool" and module_id in self._tools:
            like, hint = self._tools[module_id], f"`{module_id}` is a tool of the module `{self._tools[module_id]}`"
        else:
            like = self._nearest(module_id, kind)
            hint = (
                f"did you mean `{like}`?"
                if like
                else f"install a plugin that has it, or remove it; known {kind}s: awb module list"
            )
        skipped = "; it is skipped" if severity == "warning" else ""
        fix = self._fix(node, at, like) if like else None
        self._say(severity, node, at, f"unknown {kind} module `{module_id}`{skipped}", f"unknown-{kind}", hint, fix)

    def _nearest(self, module_id: str, kind: ModuleKind) -> str:
        """Return the known id most like this one; what all ids of a kind begin with does not count."""
        known = {_without_kind(module.id): module.id for module in self.catalog.of_kind(kind)}
        return known.get(nearest(_without_kind(module_id), known), "")

    def _module_ids(self, node: Node | None, path: Path) -> None:
        """Check a list that is matched against module ids."""
        if node is None or not isinstance(node.value, list):
            return
        for index, item in enumerate(node.value):
            word, at = item.value, (*path, index)
            if not isinstance(word, str) or self.catalog.get(word) is not None:
                continue
            if word in self._tools:
                owner = self._tools[word]
                message = f"`{word}` is the name of a tool; module ids are matched here"
                fix = self._fix(item, at, owner)
                self._say("warning", item, at, message, "tool-name", f"write `{owner}`", fix)
            else:
                like = self._nearest(word, "tool")
                hint = f"did you mean `{like}`?" if like else "it matches nothing"
                fix = self._fix(item, at, like) if like else None
                self._say("warning", item, at, f"no module `{word}` is known", "unknown-tool", hint, fix)

    # configs

    def _config(self, module: Module, node: Node, path: Path) -> None:
        config = _child(node, "config")
        if isinstance(node.value, str) or (config is not None and not isinstance(config.value, dict)):
            return
        value = plain(config) if config is not None else {}
        anchor = config if config is not None else node
        exclude = _child(config, "exclude_tools") or _child(_child(config, "settings"), "exclude_tools")
        if module.id in ("tool-task", "tool-delegate"):
            self._module_ids(exclude, (*path, "config", "exclude_tools"))
        if module.config is ModuleConfig:
            return
        try:
            instance = module.config.model_validate(value)
        except ValidationError as error:
            self._wrong(module, error, anchor, value, (*path, "config"))
            self._extra_keys(module, module.config, value, anchor, (*path, "config"))
            return
        self._extras(module, instance, anchor, (*path, "config"))

    def _wrong(self, module: Module, error: ValidationError, node: Node, value: Any, path: Path) -> None:
        for found in error.errors(include_url=False, include_input=False):
            loc = written_part(value, found["loc"])
            missing = found["type"] == "missing"
            if missing and not self.complete:
                continue
            raw = value_at(value, loc)
            if _refers(raw):  # nobody knows yet what will stand there
                continue
            name = ".".join(str(part) for part in found["loc"] if part != "[key]")
            message = f"{module.id} needs `{name}`" if missing else f"`{name}`: {sentence(found['msg'])}"
            code = "config-missing" if missing else "config-value"
            target = _deepest(node, loc)
            like, fix = self._meant(found, target, (*path, *loc))
            hint = f"did you mean `{like}`?" if like else self._field_help(module, found["loc"])
            self._say("error", target, (*path, *loc), message, code, hint, fix)

    def _meant(self, found: Mapping[str, Any], target: Node, path: Path) -> tuple[str, Edit | None]:
        """Return which of the words that are expected was meant, with the edit that writes it: a value, or a key."""
        words = _EXPECTED.findall(str(found.get("ctx", {}).get("expected", "")))
        if found["loc"][-1:] == ("[key]",):
            like = nearest(str(path[-1]), words)
            own = bool(like) and self._is_own(target, path)
            return like, key_fix(self.reading, path, like, ()) if own else None
        like = nearest(target.value, words) if isinstance(target.value, str) else ""
        return like, self._fix(target, path, like) if like else None

    def _field_help(self, module: Module, loc: Sequence[Any]) -> str:
        field = module.config.model_fields.get(str(loc[0])) if loc else None
        return (field.description or "").strip().split("\n")[0] if field is not None else ""

    def _extras(self, module: Module, instance: BaseModel, node: Node, path: Path) -> None:
        """Warn of keys that no field takes, at any depth."""
        if isinstance(node.value, dict) and instance.model_extra:
            self._extra_keys(module, type(instance), instance.model_extra, node, path)
        for name, written in names_of(type(instance)).items():
            inner = getattr(instance, name)
            if not isinstance(inner, BaseModel):
                continue
            key = next((k for k in written if _child(node, k) is not None), None)
            if key is not None:
                self._extras(module, inner, _child(node, key) or node, (*path, key))

    def _extra_keys(self, module: Module, model: type[BaseModel], value: Any, node: Node, path: Path) -> None:
        known = {name for names in names_of(model).values() for name in names}
        if model is ModuleConfig or model.model_config.get("extra") == "ignore":
            return
        for key in value:
            if key in known:
                continue
            like = nearest(str(key), known)
            hint = f"did you mean `{like}`?" if like else "it is kept and does nothing"
            target = _child(node, str(key)) or node
            message = f"{module.id} has no config key `{key}`"
            own = self._is_own(target, (*path, key))
            fix = key_fix(self.reading, (*path, key), like, plain(node)) if own else None
            self._say("warning", target, (*path, key), message, "unknown-config-key", hint, fix)

    # environment and secrets

    def environment(self, layer: Layer, agents: Mapping[str, Node]) -> None:
        """Note every reference without a default, with what to say where it is unset."""
        for name, node in (("session", layer.session), ("spawn", layer.spawn)):
            if node is not None:
                self._references(node, (name,), "")
        for section in MODULE_SECTIONS:
            for entry in layer.modules.get(section, ()):
                self._references(entry.node, entry.path, self._provider(entry) if section == "providers" else "")
        for name, agent in agents.items():
            for key, item in agent.value.items():
                if key != "instruction":
                    self._references(item, ("agents", name, key), "")

    def _provider(self, entry: Entry) -> str:
        module = _child(entry.node, "module")
        return str(module.value) if module is not None else entry.key

    def _references(self, node: Node, path: Path, provider: str) -> None:
        if isinstance(node.value, dict):
            for key, item in node.value.items():
                self._references(item, (*path, key), provider)
        elif isinstance(node.value, list):
            for index, item in enumerate(node.value):
                self._references(item, (*path, index), provider)
        elif isinstance(node.value, str) and "${" in node.value:
            for found in references(node.value):
                if found.default is None:
                    self._use(found.name, node, path, provider)

    def _use(self, name: str, node: Node, path: Path, provider: str) -> None:
        needed = provider and self._needs(provider, str(path[-1]))
        secret = is_secret_key(str(path[-1]))
        hint = f"export {name}=…, or {f'`awb key set {name}`' if secret else f'write `${{{name}:default}}`'}"
        message = f"{provider} needs `{path[-1]}`, and {name} is not set" if needed else f"{name} is not set"
        severity: Severity = "error" if needed else "warning"
        problem = self._problem(severity, node, path, message, "environment-unset", hint)
        self.uses.append(EnvironmentUse(name, replace(problem, variable=name)))

    def _needs(self, provider: str, key: str) -> bool:
        module = self.catalog.get(provider)
        field = module.config.model_fields.get(key) if module is not None else None
        return is_secret_key(key) or (field is not None and field.is_required())

    def secrets(self) -> None:
        """Warn of secrets that are written out in the text itself."""
        for path, _ in literal_secrets(self.reading.data):
            name = _variable(path)
            fix = value_fix(self.reading, path, f"${{{name}}}", "write a reference")
            hint = f"put it into the keyring or the environment, and write `${{{name}}}`"
            if path[0] == "includes":  # no reference is filled in there
                fix, hint = None, "use an address without it, such as git+ssh"
            message = f"a secret is written out in `{show_path(path)}`"
            problem = self._problem("warning", Node(None), path, message, "literal-secret", hint)
            self.problems.append(replace(problem, fix=fix))

    # places

    def _fix(self, node: Node, path: Path, new: str) -> Any:
        return word_fix(self.reading, path, new) if self._is_own(node, path) else None

    def _is_own(self, node: Node, path: Path) -> bool:
        """Whether a node was set by the text itself, at that path."""
        if node.origins and node.origins[-1].source != self.bundle.at.label:
            return False
        return value_at(self.reading.data, path) == plain(node) if node.origins else True

    def _problem(self, severity: Severity, node: Node, path: Path, message: str, code: str, hint: str) -> Problem:
        if self._is_own(node, path):
            place = self.reading.place(path)
            line, column = (place.line, place.column) if place else (0, 0)
            return Problem(severity, message, line, column, show_path(path), hint, code)
        origin = node.origins[-1]
        source = "" if origin.source == self.bundle.at.label else origin.source
        return Problem(severity, message, origin.line, 0, show_path(path), hint, code, source)

    def _say(
        self, severity: Severity, node: Node, path: Path, message: str, code: str, hint: str = "", fix: Any = None
    ) -> None:
        problem = self._problem(severity, node, path, message, code, hint)
        self.problems.append(replace(problem, fix=fix) if fix is not None else problem)


def _refers(value: Any) -> bool:
    """Whether a value holds a reference to the environment, at any depth."""
    if isinstance(value, dict | list):
        return any(map(_refers, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and bool(REFERENCE.search(value))


def _without_kind(module_id: str) -> str:
    kind, dash, rest = module_id.partition("-")
    return rest if dash and nearest(kind, _PREFIXES, cutoff=0.75) else module_id


def _child(node: Node | None, key: str) -> Node | None:
    if node is None or not isinstance(node.value, dict):
        return None
    found = node.value.get(key)
    return found if isinstance(found, Node) else None


def _deepest(node: Node, path: Path) -> Node:
    """Return the node at a path, or the nearest that exists on the way."""
    for part in path:
        inner = node.value
        if isinstance(inner, dict) and part in inner:
            node = inner[str(part)]
        elif isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            node = inner[part]
        else:
            break
    return node


def _variable(path: Path) -> str:
    words = [
        str(part) for part in path if isinstance(part, str) and part not in ("config", "providers", "tools", "hooks")
    ]
    name = "_".join(words[-2:]) or "SECRET"
    cleaned = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name.upper())
    return cleaned if not cleaned[:1].isdigit() else f"_{cleaned}"
