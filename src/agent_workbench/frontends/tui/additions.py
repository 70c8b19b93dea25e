"""What each "add" dialog offers for a text, and the edit that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fields import Field, fields_of
from agent_workbench.configs.modules import SECTION, Catalog, ModuleKind
from agent_workbench.frontends.tui.screens.add_entry import Addition, Offer

AddKind = Literal["tool", "provider", "hook", "include", "agent"]
ARTICLES: Mapping[AddKind, str] = {
    "tool": "a tool", "provider": "a provider", "hook": "a hook", "include": "an include", "agent": "an agent",
}  # fmt: skip

_AGENT_FIELDS = (
    Field("description", "text", "when to delegate to it"),
    Field("instruction", "text", "its system prompt"),
    Field("model_role", "text", "which of the models it uses"),
)


def addition(
    kind: AddKind,
    name: str,
    text: str,
    catalog: Catalog,
    includes: Sequence[tuple[str, str]] = (),
    *,
    index: int | None = None,
) -> Addition:
    """Return what a dialog needs to add something of a kind to the text of a config.

    `includes` are the addresses offered besides what a person types, each with a word about it. `index` is the entry
    that is to be changed, where several name one module.
    """
    document = Document(text)
    title = f"Add {ARTICLES[kind]} to {name}"
    if kind == "include":
        return Addition(
            title,
            text,
            [Offer(uri, about) for uri, about in includes],
            lambda uri, _: document.add_include(uri),
            typed=lambda words: Offer(words, "as typed: a path, an address, or config:name"),
            placeholder="a shipped name, a path, an address, or config:name",
        )
    if kind == "agent":
        return Addition(
            title,
            text,
            (),
            lambda agent, spec: document.add_agent(agent, spec or {"description": ""}),
            typed=lambda words: Offer("-".join(words.split()), "a new agent", fields=_AGENT_FIELDS),
            placeholder="a name for the agent, tab to its settings",
            empty="a name makes a new one",
        )
    present = _present(kind, document, index)
    return Addition(
        title,
        text,
        _modules(catalog, kind, present),
        _proposer(kind, document, present),
        typed=lambda words: Offer("-".join(words.split()), "not known here; give it a source in the text"),
    )


_Present = Mapping[str, tuple[int, Mapping[str, Any]]]


def _modules(catalog: Catalog, kind: ModuleKind, present: _Present) -> list[Offer]:
    """Return the modules of a kind; those in the text come with their config and can be changed."""
    found = []
    for module in catalog.of_kind(kind):
        foreign = "" if module.origin == "built in" else module.origin
        origin = "in this config" if module.id in present else foreign
        _, config = present.get(module.id, (0, {}))
        found.append(Offer(module.id, module.summary.rstrip("."), origin, fields_of(module.config), config))
    return sorted(found, key=lambda offer: offer.id in present)


def _present(kind: ModuleKind, document: Document, chosen: int | None) -> _Present:
    """Return the place and config of each module's entry: the chosen one, else its first."""
    entries = document.data.get(SECTION[kind])
    found: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get("module"), str):
            config = entry.get("config")
            if index == chosen or entry["module"] not in found:
                found[entry["module"]] = (index, config if isinstance(config, dict) else {})
    return found


def _proposer(kind: ModuleKind, document: Document, present: _Present) -> Callable[[str, Mapping[str, Any]], Edit]:
    adders = {"tool": document.add_tool, "provider": document.add_provider, "hook": document.add_hook}

    def propose(module: str, config: Mapping[str, Any]) -> Edit:
        if module not in present:
            return adders[kind](module, None, config or None)
        index, before = present[module]
        if dict(config) == dict(before):
            return Edit(0, "", "")
        return document.set_value((SECTION[kind], index, "config"), dict(config))

    return propose
