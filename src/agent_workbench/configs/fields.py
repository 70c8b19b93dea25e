"""A module's config as fields of a form, lossless both ways: value → text → the same value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from agent_workbench.configs.complete import choices, config_schema, describe, resolve
from agent_workbench.configs.modules import ModuleConfig
from agent_workbench.configs.secrets import is_secret_key
from agent_workbench.errors import UsageError

FieldKind = Literal["text", "integer", "number", "choice", "list", "yaml"]

#: The key of the last field, which holds every setting that the schema does not name.
OTHERS = "*"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `default` is the text that its default value would have, empty where it has none."""

    key: str
    kind: FieldKind
    help: str = ""
    default: str = ""
    choices: tuple[Any, ...] = ()
    required: bool = False
    secret: bool = False
    item: FieldKind = "text"


def fields_of(config: type[ModuleConfig]) -> tuple[Field, ...]:
    """Return the fields of a module's config: what must be given first, then in the order of the class."""
    root = config_schema(config)
    required = set(root.get("required", ()))
    found = [
        _field(key, resolve(schema, root), root, key in required) for key, schema in root.get("properties", {}).items()
    ]
    found.sort(key=lambda field: not field.required)
    return (*found, Field(OTHERS, "yaml", "Settings that this version does not know, as YAML"))


def texts_of(fields: tuple[Field, ...], config: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of each field for a config; empty where a setting is not given."""
    known = {field.key for field in fields}
    texts = {field.key: to_text(field, config[field.key]) if field.key in config else "" for field in fields}
    others = {key: value for key, value in config.items() if key not in known}
    return {**texts, OTHERS: to_text(fields[-1], others) if others else ""}


def config_of(fields: tuple[Field, ...], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the config that the texts of a form mean; empty texts are settings that are not given.

    Raises:
        UsageError: If a text is not a value of its field; the message begins with the field's key.
    """
    config: dict[str, Any] = {}
    for field in fields:
        text = texts.get(field.key, "")
        if not text.strip():
            if field.required:
                raise UsageError(f"{field.key}: this is needed")
            continue
        value = from_text(field, text)
        if field.key == OTHERS:
            config.update(value)
        else:
            config[field.key] = value
    return config


def to_text(field: Field, value: Any) -> str:
    """Return a value as a person would type it into a field; never empty.

    What the field cannot say in its own way (a map where a number belongs) is written as `= ` and YAML on one line.
    """
    text = _natural(field, value)
    if text is not None and text.strip() and _means(field, text, value):
        return text
    return f"= {_on_one_line(value)}"


def from_text(field: Field, text: str) -> Any:
    """Return the value that a text means in a field.

    In every field a text in double quotes is that text, one with `${…}` is kept for the environment, and what follows
    `= ` is YAML.

    Raises:
        UsageError: If the text is not a value of the field.
    """
    bare = text.strip()
    if bare.startswith("= "):
        return _load(field, bare[2:])
    if field.kind == "yaml":
        return _load(field, text)
    if bare == "null":
        return None
    quoted = _unquoted(bare)
    if quoted is not None:
        return quoted
    if field.kind == "list":
        return _list(field, bare)
    if field.kind == "text" or "${" in bare:
        return bare
    if field.kind == "choice":
        return _choice(field, bare)
    return _number(field, bare)


def _natural(field: Field, value: Any) -> str | None:
    if field.kind == "yaml":
        return _dump(value)
    if value is None:
        return "null"
    if isinstance(value, str):
        return value if _means(field, value, value) else json.dumps(value, ensure_ascii=False)
    if field.kind == "list" and isinstance(value, list):
        item = Field(field.key, field.item)
        return ", ".join(to_text(item, one) for one in value) or "[]"
    return _shown(value)


def _means(field: Field, text: str, value: Any) -> bool:
    """Whether a text, on one line where the field has one, means exactly a value: 1 is neither 1.0 nor true."""
    if field.kind != "yaml" and not text.isprintable():
        return False
    try:
        return repr(from_text(field, text)) == repr(value)
    except UsageError:
        return False


def _field(key: str, schema: Mapping[str, Any], root: Mapping[str, Any], required: bool) -> Field:
    options = [resolve(one, root) for one in schema.get("anyOf", (schema,))]
    options = [one for one in options if one.get("type") != "null"]
    only = options[0] if len(options) == 1 else {}
    kind = _kind(only)
    items = resolve(only.get("items", {}), root)
    item = _kind(items) if kind == "list" else "text"
    if kind == "list" and item not in ("text", "integer", "number", "choice"):
        kind = "yaml"
    secret = only.get("format") == "password" or is_secret_key(key)
    default = schema.get("default")
    values = tuple(one for one in choices(only) if one is not None)
    field = Field(
        key, kind, describe(resolve(schema, root)), "", values, required, secret, "text" if item == "choice" else item
    )
    return field if default in (None, "", [], {}) else _with_default(field, default)


def _with_default(field: Field, default: Any) -> Field:
    shown = to_text(field, default) if field.kind != "yaml" else ""
    return Field(field.key, field.kind, field.help, shown, field.choices, field.required, field.secret, field.item)


def _kind(schema: Mapping[str, Any]) -> FieldKind:
    if choices(schema):
        return "choice"
    match schema.get("type"):
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "string":
            return "text"
        case "array":
            return "list"
        case _:
            return "yaml"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unquoted(text: str) -> str | None:
    """Return the text inside double quotes, None where the whole is not one quoted text."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _choice(field: Field, text: str) -> Any:
    for one in field.choices:
        if _shown(one) == text:
            return {"true": True, "false": False}.get(text, one)
    raise UsageError(f"{field.key}: {text!r} is none of {', '.join(map(_shown, field.choices))}")


def _list(field: Field, text: str) -> Any:
    if text[:1] == "[":
        return _load(field, text)
    item = Field(field.key, field.item)
    return [from_text(item, one) for one in text.split(",") if one.strip()]


def _number(field: Field, text: str) -> Any:
    try:
        return int(text) if field.kind == "integer" or text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        wanted = "a whole number" if field.kind == "integer" else "a number"
        raise UsageError(f"{field.key}: {text!r} is not {wanted}") from None


def _load(field: Field, text: str) -> Any:
    try:
        value = yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{field.key}: not valid YAML: {str(error).splitlines()[0]}") from error
    if field.key == OTHERS and not (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
        raise UsageError("other settings: write them as a map, one `key: value` a line")
    return value


def _dump(value: Any) -> str:
    shown = str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100))
    return shown.removesuffix("...\n").rstrip("\n")


def _on_one_line(value: Any) -> str:
    # not allow_unicode: PyYAML would write a bare U+0085, which it reads as a line break
    shown = str(yaml.safe_dump(value, sort_keys=False, default_flow_style=True, width=float("inf")))
    return shown.removesuffix("...\n").rstrip("\n")
