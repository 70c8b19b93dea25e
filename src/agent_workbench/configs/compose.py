"""Putting bundles on top of each other, and remembering who set what.

The rules are the original's (microsoft/amplifier-foundation, `Bundle.compose`): includes left to right, the own
content last and winning. Maps merge, two lists join, everything else is replaced. Nothing here reads or fetches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent_workbench.configs.plan import Origin

Path = tuple[str | int, ...]
MODULE_SECTIONS = ("providers", "tools", "hooks")


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the places that set it, the winner last. Maps and lists hold nodes.

    `below` is the value that this one replaced, so that it can be taken out again.
    """

    value: Any
    origins: tuple[Origin, ...] = ()
    below: Node | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """A module entry of `providers`, `tools` or `hooks`. `path` is its place in the text that wrote it last."""

    key: str
    node: Node
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Part:
    """An agent or a context file, declared and not looked up yet. `scope` is the declaring bundle's, opaque here."""

    name: str
    origin: Origin
    node: Node | None = None
    reference: str = ""
    scope: Any = None
    path: Path = ()


@dataclass(frozen=True)
class Layer:
    """One bundle's content: as written, or composed from several."""

    name: str = ""
    version: str = "1.0.0"
    description: str = ""
    session: Node | None = None
    spawn: Node | None = None
    modules: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    agents: Mapping[str, Part] = field(default_factory=dict)
    context: Mapping[str, Part] = field(default_factory=dict)
    instruction: str = ""
    instruction_part: Part | None = None


@dataclass(frozen=True, slots=True)
class Trap:
    """A place where composition does what its author hardly means."""

    path: Path
    message: str
    hint: str
    code: str


def node_of(value: Any, origin_of: Callable[[Path], Origin], path: Path = ()) -> Node:
    """Wrap a plain value; `origin_of` tells where each path was set."""
    here = (origin_of(path),)
    if isinstance(value, Mapping):
        return Node({key: node_of(item, origin_of, (*path, key)) for key, item in value.items()}, here)
    if isinstance(value, list):
        return Node([node_of(item, origin_of, (*path, index)) for index, item in enumerate(value)], here)
    return Node(value, here)


def bare(value: Any) -> Node:
    """Wrap a plain value of which nobody knows where it was set."""
    if isinstance(value, Mapping):
        return Node({key: bare(item) for key, item in value.items()})
    return Node([bare(item) for item in value] if isinstance(value, list | tuple) else value)


def plain(node: Node | None) -> Any:
    """Return the value without its origins."""
    if node is None:
        return None
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def _content(node: Node) -> Any:
    """Return a value that equals another's where the content does, and can be looked up."""
    value = node.value
    if isinstance(value, dict):
        return dict, frozenset((key, _content(item)) for key, item in value.items())
    if isinstance(value, list):
        return list, tuple(map(_content, value))
    return type(value), value


def merge(parent: Node | None, child: Node | None) -> Node | None:
    """Lay a child over its parent.

    Maps recurse, parent's keys first. Two lists join, parent first, without what is there already: a child never
    shortens a list. Anything else, null included, is replaced; the origins of what was replaced are kept before.
    """
    if parent is None or child is None:
        return child if parent is None else parent
    return _merge(parent, child)


def _stacked(below: tuple[Origin, ...], above: tuple[Origin, ...]) -> tuple[Origin, ...]:
    """Put origins on top of others, each once: in a net of includes one place is reached in many ways."""
    if below == above:
        return above
    return (*(origin for origin in below if origin not in above), *above)


def _merge(parent: Node, child: Node) -> Node:
    origins = _stacked(parent.origins, child.origins)
    if isinstance(parent.value, dict) and isinstance(child.value, dict):
        merged = dict(parent.value)
        for key, item in child.value.items():
            merged[key] = _merge(merged[key], item) if key in merged else item
        return Node(merged, origins)
    if isinstance(parent.value, list) and isinstance(child.value, list):
        return Node(_joined(parent.value, child.value), origins)
    return Node(child.value, origins, parent)


def _joined(parent: Sequence[Node], child: Sequence[Node]) -> list[Node]:
    joined = list(parent)
    places: dict[Any, int] = {}
    for index, item in enumerate(joined):
        places.setdefault(_content(item), index)
    for item in child:
        at = places.setdefault(_content(item), len(joined))
        if at == len(joined):
            joined.append(item)
        else:
            joined[at] = _merge(joined[at], item)  # equal, so only the origins change
    return joined


def merge_entries(parent: Sequence[Entry], child: Sequence[Entry]) -> tuple[Entry, ...]:
    """Merge module entries by key: the same key merges, parent's order is kept, new ones are appended.

    Entries of one key within `parent` collapse into the last of them, at the place of the first; within `child`
    they merge, as in the original.
    """
    merged: dict[str, Entry] = {entry.key: entry for entry in parent}
    for entry in child:
        known = merged.get(entry.key)
        merged[entry.key] = replace(entry, node=_merge(known.node, entry.node)) if known else entry
    return tuple(merged.values())


def compose(parent: Layer, child: Layer) -> Layer:
    """Lay one bundle over another; both may be composed already."""
    return Layer(
        name=child.name or parent.name,
        version=child.version or parent.version,
        description=child.description or parent.description,
        session=merge(parent.session, child.session),
        spawn=merge(parent.spawn, child.spawn),
        modules={
            section: merge_entries(parent.modules.get(section, ()), child.modules.get(section, ()))
            for section in MODULE_SECTIONS
        },
        agents={**parent.agents, **child.agents},
        context={**parent.context, **child.context},
        instruction=child.instruction or parent.instruction,
        instruction_part=child.instruction_part if child.instruction else parent.instruction_part,
    )


def compose_all(layers: Sequence[Layer]) -> Layer:
    """Compose from left to right. A single layer stays as it is."""
    if not layers:
        return Layer()
    composed = layers[0]
    for layer in layers[1:]:
        composed = compose(composed, layer)
    return composed


def traps(parent: Layer | None, child: Layer) -> Iterator[Trap]:
    """Yield what composing a child over its includes does against expectation; `parent` is None without includes."""
    if parent is not None:
        for slot in ("orchestrator", "context"):
            yield from _slot_traps(slot, parent.session, child.session)
    for section in MODULE_SECTIONS:
        yield from _twins(section, child.modules.get(section, ()), composed=parent is not None)


def _slot_traps(slot: str, parent: Node | None, child: Node | None) -> Iterator[Trap]:
    old, new = _item(parent, slot), _item(child, slot)
    if old is None or new is None or not isinstance(old.value, dict):
        return
    module = plain(old.value.get("module"))
    lost = [key for key in ("source", "config") if key in old.value]
    if isinstance(new.value, str) and lost:
        yield Trap(
            ("session", slot),
            f"`{slot}: {new.value}` replaces the included {slot} {module} together with its {' and '.join(lost)}",
            f"write `{slot}: {{module: {new.value}}}` to keep what the include set",
            "trap-slot-name",
        )
    elif isinstance(new.value, dict):
        other = plain(new.value.get("module"))
        kept = [key for key in lost if key not in new.value]
        if isinstance(other, str) and other != module and kept:
            yield Trap(
                ("session", slot),
                f"{slot} {other} keeps the {' and '.join(kept)} of the included {module}",
                f"set {' and '.join(f'`{key}`' for key in kept)} here as well",
                "trap-slot-module",
            )


def _item(node: Node | None, key: str) -> Node | None:
    if node is None or not isinstance(node.value, dict):
        return None
    found = node.value.get(key)
    return found if isinstance(found, Node) else None


def _twins(section: str, entries: Sequence[Entry], *, composed: bool) -> Iterator[Trap]:
    seen: dict[str, Entry] = {}
    for entry in entries:
        first = seen.setdefault(entry.key, entry)
        if first is entry:
            continue
        when = "become one" if composed else "will become one as soon as anything is included"
        line = first.node.origins[-1].line if first.node.origins else 0
        yield Trap(
            entry.path,
            f"two {section} entries of {entry.key} (the first in line {line}) {when}",
            "give each its own `id`",
            "trap-twins",
        )


def flatten(node: Node, path: str) -> Iterator[tuple[str, tuple[Origin, ...]]]:
    """Yield every path at and below a node, in the notation of `Plan.origins`, with its origins."""
    yield path, node.origins
    if isinstance(node.value, dict):
        for key, item in node.value.items():
            yield from flatten(item, f"{path}.{key}" if path else key)
    elif isinstance(node.value, list):
        for index, item in enumerate(node.value):
            yield from flatten(item, f"{path}[{index}]")
