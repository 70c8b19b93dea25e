"""What the format knows by name: its keys by place, and values that are no module's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.place import Place

#: A value and what it is.
Named = tuple[str, str]

#: The keys of an entry of `providers`, `tools` and `hooks`.
_ENTRY = {
    "module": "the module that this entry mounts",
    "source": "where the module comes from, where it is not built in",
    "config": "the module's own settings",
    "id": "a name of its own, for two entries of one module",
}
_MODULE_MAP = {key: _ENTRY[key] for key in ("module", "source", "config")}

#: The keys of the format by place, `*` standing for any one key, with what they mean.
KEYS: Mapping[tuple[str, ...], Mapping[str, str]] = {
    (): {
        "bundle": "its name, version and description",
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
        "permissions": "which tool calls run, ask or are refused",
    },
    ("session", "permissions"): {
        "mode": "what happens where no rule speaks",
        "allow": "calls that run without asking, as tool or tool(pattern)",
        "ask": "calls that always ask",
        "deny": "calls that never run; a deny wins over all else",
    },
    ("session", "permissions", "*", "-"): {
        "rule": "tool, or tool(pattern)",
        "match": "calls that the rule must fit, checked when it is read",
        "not_match": "calls that it must not fit",
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
        "hooks": "hooks of its own",
        "model_role": "which of the models it uses",
        "exclude_tools": "module ids of tools that it does not inherit",
    },
    ("agents", "*", "tools", "-"): _ENTRY,
    ("agents", "*", "providers", "-"): _ENTRY,
    ("agents", "*", "hooks", "-"): _ENTRY,
    ("context",): {"include": "files, as path or namespace:path"},
    ("spawn",): {
        "exclude_tools": "module ids that a spawned agent does not get",
        "tools": "the only module ids that a spawned agent gets",
    },
}


@dataclass(frozen=True)
class Known:
    """What a text could name besides modules: values with a few words each, gathered by who can look."""

    includes: tuple[Named, ...] = ()
    agents: tuple[Named, ...] = ()
    files: tuple[Named, ...] = ()
    modes: tuple[Named, ...] = ()
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Models that are in use elsewhere, by the provider's module."""


def keys_at(path: tuple[str, ...]) -> Mapping[str, str]:
    """Return the format's keys at a place with what they mean."""
    for pattern, keys in KEYS.items():
        if len(pattern) == len(path) and all(a in ("*", b) for a, b in zip(pattern, path, strict=True)):
            return keys
    return {}


def values_at(here: Place, catalog: Catalog, known: Known) -> Iterator[Named]:
    """Yield what the format, the folder and other configs offer for the value at a place."""
    match (*here.path, here.key) if here.key else here.path:
        case ("includes", "-") | ("includes", "-", "bundle"):
            yield from known.includes or (("foundation", "the shipped base: loop, context, file tools"),)
        case ("agents", "include", "-"):
            yield from known.agents
        case ("context", "include", "-"):
            yield from known.files
        case ("context", key) if key != "include":
            yield from known.files
        case ("session", "permissions", "mode"):
            yield from known.modes
        case ("session", "permissions", "allow" | "ask" | "deny", "-") | ("session", "permissions", _, "-", "rule"):
            yield from ((tool, module.id) for module in catalog.modules.values() for tool in module.tools)
        case (*_, "source"):
            yield from (("git+https://", "a git repository, @ref and #subdirectory=path behind it"), ("./", "a folder"))
        case (*_, "config", "default_model" | "model"):
            yield from ((model, "used elsewhere") for model in known.models.get(here.module, ()))
