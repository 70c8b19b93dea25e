"""What could stand at a cursor, and what the thing there means: from the format and the modules' own schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent_workbench.configs.known import Known, keys_at, values_at
from agent_workbench.configs.modules import SECTION, Catalog, ModuleConfig, ModuleKind
from agent_workbench.configs.place import Place, place_at

_LISTS: Mapping[str, ModuleKind] = {SECTION[kind]: kind for kind in ("provider", "tool", "hook")}
#: What a key means where people choose its name.
_NAMES: Mapping[tuple[str, ...], str] = {
    ("agents",): "an agent that work can be delegated to",
    ("context",): "a file that becomes part of the prompt",
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


def completions(
    text: str, line: int, column: int, catalog: Catalog, known: Known | None = None
) -> tuple[Completion, ...]:
    """Return what could stand at a cursor (counted from 0), best first; empty where nothing is known."""
    here = place_at(text, line, column)
    if here.opaque:
        return ()
    is_item = here.path[-1:] == ("-",) and not here.key
    offered: list[tuple[str, str, str]] = []
    if here.in_value or is_item:
        offered += ((value, value, detail) for value, detail in _offered_values(here, catalog, known or Known()))
    if not here.in_value:
        fresh = ((key, detail) for key, detail in _offered_keys(here, catalog).items() if key not in here.siblings)
        offered += ((key, _key_insert(here, key, catalog), detail) for key, detail in fresh)
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
    meaning = keys_at(here.path).get(here.key, "") or _NAMES.get(here.path, "")
    return Help(shown, meaning) if meaning and here.key else None


def describe(schema: Mapping[str, Any]) -> str:
    """Return one line about a setting: what it is, its type, choices and default."""
    parts = [" ".join(str(schema.get("description", "")).split()).rstrip(".")]
    parts.append(" | ".join(str(one) for one in choices(schema) if one != "") or type_name(schema))
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


def _offered_keys(here: Place, catalog: Catalog) -> Mapping[str, str]:
    known = keys_at(here.path)
    if known:
        return known
    schema = _schema_at(here, catalog, ())
    if schema is None:
        return {}
    names = schema.get("propertyNames", {}).get("enum", ())
    return {**dict.fromkeys(names, ""), **{key: describe(value) for key, value in _properties(schema).items()}}


def _offered_values(here: Place, catalog: Catalog, known: Known) -> Iterator[tuple[str, str]]:
    kind = _kind_of(here)
    if kind is not None:
        yield from ((module.id, module.summary) for module in catalog.of_kind(kind))
        return
    yield from values_at(here, catalog, known)
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
    if (here.path[:1] == ("spawn",) or here.path[-2:-1] == ("exclude_tools",)) and here.path[-1:] == ("-",):
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
