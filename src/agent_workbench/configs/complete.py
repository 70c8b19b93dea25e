"""What could stand at a cursor, and what the thing there means: from the format and the modules' own schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent_workbench.configs.modules import SECTION, Catalog, ModuleConfig, ModuleKind
from agent_workbench.configs.place import Place, place_at

_LISTS: Mapping[str, ModuleKind] = {SECTION[kind]: kind for kind in ("provider", "tool", "hook")}
_ENTRY = {
    "module": "the module that this entry mounts",
    "source": "where the module comes from, where it is not built in",
    "config": "the module's own settings",
    "id": "a name of its own, for two entries of one module",
}
_MODULE_MAP = {key: _ENTRY[key] for key in ("module", "source", "config")}

#: The keys of the format by place, `*` standing for any one key, with what they mean.
_KEYS: Mapping[tuple[str, ...], Mapping[str, str]] = {
    (): {
        "bundle": "what this config is: name, version, description",
        "includes": "other bundles that this one builds on; later ones win",
        "session": "how a session runs: orchestrator, context, limits",
        "providers": "the model providers; the lowest priority is used first",
        "tools": "what the model may use",
        "hooks": "what listens to a session's events",
        "agents": "agents that work can be delegated to",
        "context": "files that become part of the system prompt",
        "spawn": "which tools a spawned agent gets",
    },
    ("bundle",): {
        "name": "the bundle's name, also its namespace",
        "version": "the bundle's version, 1.0.0 where it is not given",
        "description": "one line about the bundle",
    },
    ("includes", "-"): {"bundle": "a shipped name, a path, a git or https address, or config:name"},
    ("session",): {
        "orchestrator": "the loop that runs a turn",
        "context": "what keeps the conversation inside the model's window",
    },
    ("session", "orchestrator"): _MODULE_MAP,
    ("session", "context"): _MODULE_MAP,
    ("providers", "-"): _ENTRY,
    ("tools", "-"): _ENTRY,
    ("hooks", "-"): _ENTRY,
    ("agents",): {"include": "agents from files or included bundles, by name"},
    ("agents", "*"): {
        "description": "when to delegate to this agent",
        "instruction": "the agent's system prompt",
        "tools": "tools besides the inherited ones",
        "providers": "providers of its own",
        "model_role": "which of the models it uses",
    },
    ("agents", "*", "tools", "-"): _ENTRY,
    ("agents", "*", "providers", "-"): _ENTRY,
    ("context",): {"include": "files, as path or namespace:path"},
    ("spawn",): {
        "exclude_tools": "module ids that a spawned agent does not get",
        "tools": "the only module ids that a spawned agent gets",
    },
}


@dataclass(frozen=True, slots=True)
class Completion:
    """One thing that could stand at the cursor: `insert` replaces the line from column `start` to the cursor."""

    label: str
    insert: str
    start: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """What the thing under the cursor is: its path, and a line about it."""

    path: str
    text: str


def completions(text: str, line: int, column: int, catalog: Catalog) -> tuple[Completion, ...]:
    """Return what could stand at a cursor (counted from 0), best first; empty where nothing is known."""
    here = place_at(text, line, column)
    if here.opaque:
        return ()
    if here.in_value or (here.path[-1:] == ("-",) and not here.key and not _offered_keys(here, catalog)):
        offered = ((value, value, detail) for value, detail in _offered_values(here, catalog))
    else:
        fresh = ((key, detail) for key, detail in _offered_keys(here, catalog).items() if key not in here.siblings)
        offered = ((key, _key_insert(here, key, catalog), detail) for key, detail in fresh)
    wanted = here.typed.lower()
    hits = [
        Completion(label, insert, here.start, detail) for label, insert, detail in offered if wanted in label.lower()
    ]
    return tuple(sorted(hits, key=lambda hit: (not hit.label.lower().startswith(wanted),)))


def help_at(text: str, line: int, column: int, catalog: Catalog) -> Help | None:
    """Return what the key or module at a cursor (counted from 0) means, or None where nothing is known."""
    here = place_at(text, line, column)
    if here.opaque or not (here.key or here.path):
        return None
    module = catalog.get(here.module)
    shown = ".".join((*here.path, here.key) if here.key else here.path).replace(".-", "[]")
    if here.key == "module" and module is not None:
        return Help(here.module, f"{module.summary} ({module.origin})")
    schema = _schema_at(here, catalog, (here.key,) if here.key else ())
    if schema is not None:
        return Help(shown, describe(schema))
    known = _format_keys(here.path).get(here.key, "")
    return Help(shown, known) if known else None


def describe(schema: Mapping[str, Any]) -> str:
    """Return one line about a setting: what it is, its type, choices and default."""
    parts = [" ".join(str(schema.get("description", "")).split()).rstrip(".")]
    parts.append(" | ".join(str(one) for one in choices(schema)) or type_name(schema))
    if schema.get("default") not in (None, "", [], {}):
        parts.append(f"default {schema['default']}")
    return " · ".join(part for part in parts if part)


def type_name(schema: Mapping[str, Any]) -> str:
    """Return a setting's type in words, empty where anything goes."""
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(filter(None, map(type_name, options))))
    names = {"integer": "whole number", "string": "text", "boolean": "true or false", "array": "list", "object": "map"}
    kind = str(schema.get("type", ""))
    return names.get(kind, kind)


def choices(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values that a setting is limited to, or an empty tuple."""
    if "const" in schema:
        return (schema["const"],)
    if "enum" in schema:
        return tuple(schema["enum"])
    if schema.get("type") == "boolean":
        return ("true", "false")
    return tuple(one for option in schema.get("anyOf", ()) for one in choices(option))


@lru_cache(maxsize=256)
def config_schema(config: type[ModuleConfig]) -> Mapping[str, Any]:
    """Return a module's JSON Schema with `$ref` resolved one level at a time by `resolve`."""
    return config.model_json_schema()


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a `$ref`, or the one map among alternatives, to the schema that it stands for."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = root.get("$defs", {}).get(reference.rpartition("/")[2], {})
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _schema_at(here: Place, catalog: Catalog, extra: tuple[str, ...]) -> Mapping[str, Any] | None:
    """Return the schema of a place inside an entry's `config`, or None."""
    module = catalog.get(here.module)
    if module is None or "config" not in here.path:
        return None
    root = config_schema(module.config)
    found: Mapping[str, Any] = root
    for key in (*here.path[here.path.index("config") + 1 :], *extra):
        inner = _step(found, key, root)
        if inner is None:
            return None
        found = inner
    return found


def _step(schema: Mapping[str, Any], key: str, root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    options = [resolve(one, root) for one in (schema, *schema.get("anyOf", ()))]
    for option in options:
        if key == "-" and isinstance(option.get("items"), Mapping):
            return resolve(option["items"], root)
        if key in option.get("properties", {}):
            return resolve(option["properties"][key], root)
        if isinstance(option.get("additionalProperties"), Mapping):
            return resolve(option["additionalProperties"], root)
    return None


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema.get("properties", {})
    return found


def _format_keys(path: tuple[str, ...]) -> Mapping[str, str]:
    for pattern, keys in _KEYS.items():
        if len(pattern) == len(path) and all(a in ("*", b) for a, b in zip(pattern, path, strict=True)):
            return keys
    return {}


def _offered_keys(here: Place, catalog: Catalog) -> Mapping[str, str]:
    if here.path == ("includes", "-") and here.typed:
        return {}
    known = _format_keys(here.path)
    if known:
        return known
    schema = _schema_at(here, catalog, ())
    if schema is None:
        return {}
    return {key: describe(value) for key, value in _properties(schema).items()}


def _offered_values(here: Place, catalog: Catalog) -> Iterator[tuple[str, str]]:
    kind = _kind_of(here)
    if kind is not None:
        yield from ((module.id, module.summary) for module in catalog.of_kind(kind))
        return
    if here.path[:1] == ("includes",):
        yield "foundation", "the shipped base: loop, context, file tools"
        return
    schema = _schema_at(here, catalog, (here.key,) if here.key else ())
    if schema is None:
        return
    default = schema.get("default")
    for one in choices(schema):
        shown = str(one).lower() if isinstance(one, bool) else str(one)
        yield shown, "default" if shown == str(default).lower() or one == default else ""
    if not choices(schema) and isinstance(default, int | float | str) and str(default):
        yield str(default), "default"


def _kind_of(here: Place) -> ModuleKind | None:
    """Return the kind of module whose id belongs at a place, or None where none does."""
    if here.path[:1] == ("spawn",) and here.path[-1:] == ("-",):
        return "tool"
    if here.key == "module" and here.path[-1:] == ("-",):
        return _LISTS.get(here.path[-2])
    kinds: Mapping[str, ModuleKind] = {"orchestrator": "orchestrator", "context": "context"}
    if here.path == ("session",):
        return kinds.get(here.key)
    if here.path[:1] == ("session",) and len(here.path) == 2 and here.key == "module":
        return kinds.get(here.path[1])
    return None


def _key_insert(here: Place, key: str, catalog: Catalog) -> str:
    """Return a key as it is written: with a space where its value follows on the line."""
    schema = _schema_at(here, catalog, (key,))
    opens_block = not here.path or key == "config" or (schema is not None and type_name(schema) in ("map", "list"))
    return f"{key}:" if opens_block else f"{key}: "
