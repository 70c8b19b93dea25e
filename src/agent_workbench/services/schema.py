"""The JSON Schema of a bundle, made from the modules that are installed, for editors that check YAML by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_workbench.configs.modules import Catalog, Module, ModuleKind

#: A value that is looked up when a session starts may stand wherever another type is asked for.
_REFERENCE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:[^}]*)?\}"}


def bundle_schema(catalog: Catalog) -> dict[str, Any]:
    """Return the schema (draft 2020-12). Unknown keys are allowed, as the format allows them."""
    definitions: dict[str, Any] = {}
    for kind in ("provider", "tool", "hook", "orchestrator", "context"):
        definitions[kind] = _entry(catalog, kind, definitions)
    single = {name: {"anyOf": [{"type": "string"}, _ref(name)]} for name in ("orchestrator", "context")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Agent bundle",
        "type": "object",
        "properties": {
            "bundle": _map(
                "What the bundle is.",
                {
                    "name": _text("its name"),
                    "version": {"type": ["string", "number"]},
                    "description": _text("one line"),
                },
            ),
            "includes": _list({"anyOf": [{"type": "string"}, _map("An include.", {"bundle": _text("name or URI")})]}),
            "session": _map("What a session runs with.", {**single, "permissions": _permissions()}),
            "providers": _list(_ref("provider")),
            "tools": _list(_ref("tool")),
            "hooks": _list(_ref("hook")),
            "agents": {"type": ["object", "null"], "description": "agents that work can be handed to"},
            "context": {"type": ["object", "null"], "description": "files that become part of the system prompt"},
            "spawn": _map("What a spawned agent gets.", {"tools": _names(), "exclude_tools": _names()}),
        },
        "$defs": definitions,
    }


def _entry(catalog: Catalog, kind: ModuleKind, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one entry; the modules' own definitions go into `definitions`."""
    modules = list(catalog.of_kind(kind))
    return {
        "type": "object",
        "required": ["module"],
        "properties": {
            "module": {"anyOf": [{"enum": [module.id for module in modules]}, {"type": "string"}]},
            "source": _text("where a module that is not installed comes from"),
            "id": _text("tells two entries of one module apart"),
            "config": {"type": ["object", "null"]},
        },
        **({"allOf": [_condition(module, definitions) for module in modules]} if modules else {}),
    }


def _condition(module: Module, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = module.config.model_json_schema(ref_template=f"#/$defs/{module.id}.{{model}}")
    for name, definition in schema.pop("$defs", {}).items():
        definitions[f"{module.id}.{name}"] = definition
    schema["properties"] = {name: _or_reference(value) for name, value in schema.get("properties", {}).items()}
    schema["title"] = module.id
    schema["description"] = module.summary
    return {
        "if": {"properties": {"module": {"const": module.id}}},
        "then": {"properties": {"config": {"anyOf": [schema, {"type": "null"}]}}},
    }


def _or_reference(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if schema.get("type") == "string":
        return schema
    outer = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    return {**outer, "anyOf": [{k: v for k, v in schema.items() if k not in outer}, _REFERENCE]}


def _permissions() -> dict[str, Any]:
    from agent_workbench.engine.permissions import MODES

    rules = {ruling: _names() for ruling in ("allow", "ask", "deny")}
    return _map("Which tool calls run, ask or are refused.", {"mode": {"enum": list(MODES)}, **rules})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _names() -> dict[str, Any]:
    return _list({"type": "string"})


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items}


def _map(description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": ["object", "null"], "description": description, "properties": dict(properties)}
