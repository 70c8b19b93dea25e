"""A module's config as `key=value` pairs, typed by the module's own schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from agent_workbench.configs.fields import OTHERS, fields_of, from_text
from agent_workbench.configs.modules import Catalog, ModuleKind
from agent_workbench.configs.reader import Path, show_path
from agent_workbench.errors import NotFound, UsageError


def config_from_pairs(catalog: Catalog, module_id: str, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return the config that pairs mean; `a.b=1` sets `b` in the map `a`.

    A key that the module's schema names is read by its type, any other as YAML.

    Raises:
        UsageError: If a value is not one of its field.
    """
    module = catalog.get(module_id)
    fields = {field.key: field for field in fields_of(module.config)} if module else {}
    config: dict[str, Any] = {}
    for key, text in pairs.items():
        field = fields.get(key) if key != OTHERS else None
        _put(config, key.split("."), from_text(field, text) if field and text.strip() else yaml_value(key, text))
    return config


def value_for(catalog: Catalog, data: Mapping[str, Any], path: Path, text: str) -> Any:
    """Return what a text means at a path of a bundle: by the module's schema for one of its settings, else as YAML.

    Raises:
        UsageError: If it is no value, or none of that setting.
    """
    if len(path) == 4 and path[2] == "config" and isinstance(path[1], int):
        entries = data.get(str(path[0]))
        entry = entries[path[1]] if isinstance(entries, list) else None
        module = entry.get("module") if isinstance(entry, Mapping) else entry
        key = str(path[3])
        if isinstance(module, str) and "." not in key:
            return config_from_pairs(catalog, module, {key: text})[key]
    return yaml_value(show_path(path), text)


def known_module(catalog: Catalog, module_id: str, kind: ModuleKind, *, source: str = "") -> str:
    """Return a module id that may be added, as it is.

    Raises:
        NotFound: If no module of the kind has it and no `source` says where it comes from.
    """
    module = catalog.get(module_id)
    if source or (module is not None and module.kind == kind):
        return module_id
    near = catalog.nearest(module_id, kind)
    if module is not None:
        raise UsageError(f"{module_id} is a {module.kind} module; name a {kind} module")
    hint = f"did you mean {near}?" if near else f"`awb module list --kind {kind}` shows them."
    raise NotFound(f"there is no {kind} module {module_id!r}; {hint} For one that is not installed, say --source")


def _put(config: dict[str, Any], keys: Iterable[str], value: Any) -> None:
    *outer, last = keys
    for key in outer:
        config = config.setdefault(key, {})
        if not isinstance(config, dict):
            raise UsageError(f"{key} is set to a value and to a map")
    config[last] = value


def yaml_value(key: str, text: str) -> Any:
    """Return what a text means as YAML; `key` is what an error calls it.

    Raises:
        UsageError: If it is no YAML value.
    """
    try:
        return yaml.safe_load(text) if text else ""
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{key}: {text!r} is not a YAML value; put it in quotes") from error
