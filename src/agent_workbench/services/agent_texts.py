"""Agents as a few fields: the text of a config made, changed and read by name, model, provider, instructions and tools.

Source of the fields: the agents' part of the HTTP contract. Whatever else a text holds stays as it is, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent_workbench.configs.document import Document
from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.reader import read
from agent_workbench.errors import UsageError
from agent_workbench.services.given import known_module
from agent_workbench.services.templates import renamed, template

#: What an agent is made from where nobody says.
TEMPLATE = "hello"
#: The names under which a provider's config may hold its model; a new one gets the first.
MODEL_KEYS = ("default_model", "model")


@dataclass(frozen=True, slots=True)
class AgentFields:
    """What an agent is said to be; None leaves a field as it is."""

    name: str | None = None
    provider: str | None = None
    model: str | None = None
    instructions: str | None = None
    tools: tuple[str, ...] | None = None
    """Exactly these modules, in this order where they are new."""


def from_template(catalog: Catalog, name: str, fields: AgentFields) -> str:
    """Return the text of a new agent.

    Raises:
        NotFound: If there is no such template or module.
        UsageError: If a field does not fit.
        EditRefused: If it cannot be done without touching other bytes.
    """
    return changed(catalog, template(name).text, fields)


def changed(catalog: Catalog, text: str, fields: AgentFields) -> str:
    """Return a text with the fields that are given (failures as `from_template`)."""
    if fields.name is not None:
        text = renamed(text, fields.name)
    if fields.provider is not None:
        text = _with_provider(text, known_module(catalog, fields.provider, "provider"))
    if fields.model is not None:
        text = _with_model(text, fields.model)
    if fields.tools is not None:
        text = _with_tools(text, [known_module(catalog, tool, "tool") for tool in fields.tools])
    return text if fields.instructions is None else _with_instructions(text, fields.instructions)


def fields_of(text: str) -> AgentFields:
    """Return what a text itself says of its agent; what its includes add is not in it."""
    document = Document(text)
    bundle = document.data.get("bundle")
    provider = next(iter(_entries(document, "providers")), {})
    config = provider.get("config")
    models = [config[key] for key in MODEL_KEYS if key in config] if isinstance(config, dict) else []
    return AgentFields(
        name=str(bundle.get("name") or "") if isinstance(bundle, dict) else "",
        provider=str(provider.get("module") or ""),
        model=str(models[0]) if models else "",
        instructions=document.reading.body.strip(),
        tools=tuple(str(entry.get("module") or "") for entry in _entries(document, "tools")),
    )


def _with_provider(text: str, module: str) -> str:
    """Put a provider in the place of those that there are; where it is the first of them, all stay."""
    document = Document(text)
    entries = _entries(document, "providers")
    if entries and entries[0].get("module") == module:
        return text
    document = document.apply(document.add_provider(module))
    for index in reversed(range(len(entries))):
        if entries[index].get("module") != module:
            document = document.apply(document.remove_entry(("providers", index)))
    return document.text


def _with_model(text: str, model: str) -> str:
    document = Document(text)
    entries = _entries(document, "providers")
    if not entries:
        raise UsageError("the agent has no provider of its own to take the model; name a provider, too")
    config = entries[0].get("config")
    known = config if isinstance(config, dict) else {}
    key = next((name for name in MODEL_KEYS if name in known), MODEL_KEYS[0])
    return document.apply(document.set_value(("providers", 0, "config", key), model)).text


def _with_tools(text: str, modules: Sequence[str]) -> str:
    document = Document(text)
    entries = _entries(document, "tools")
    for index in reversed(range(len(entries))):
        if entries[index].get("module") not in modules:
            document = document.apply(document.remove_entry(("tools", index)))
    kept = {entry.get("module") for entry in entries}
    for module in modules:
        if module not in kept:
            document = document.apply(document.add_tool(module))
    return document.text


def _with_instructions(text: str, instructions: str) -> str:
    """Put words below the bundle: a text with instructions is Markdown, its YAML the front matter."""
    reading, words = read(text), instructions.strip()
    front = text[reading.start : reading.end].removeprefix("---\n").rstrip("\r\n")
    return f"---\n{front}\n---\n\n{words}\n" if words else f"{front}\n"


def _entries(document: Document, section: str) -> list[dict[str, Any]]:
    found = document.data.get(section)
    entries = found if isinstance(found, list) else []
    return [entry if isinstance(entry, dict) else {"module": entry} for entry in entries]
