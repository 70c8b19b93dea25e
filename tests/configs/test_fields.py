"""A form's texts and a config's values are two views of one thing."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field as Setting
from pydantic import SecretStr

from agent_workbench.configs.fields import OTHERS, config_of, fields_of, texts_of
from agent_workbench.configs.modules import ModuleConfig
from agent_workbench.errors import UsageError


class Inner(ModuleConfig):
    name: str
    level: int = 1


class Everything(ModuleConfig):
    title: str = ""
    """What it is called."""
    api_key: str | None = None
    password: SecretStr | None = None
    timeout: int = 10
    """Seconds to wait."""
    ratio: float | None = None
    engine: Literal["duck", "brave"] | None = None
    follow: bool = True
    hosts: list[str] = Setting(default_factory=list)
    sizes: list[int] = Setting(default_factory=list)
    extra_headers: dict[str, str] = Setting(default_factory=dict)
    servers: list[Inner] = Setting(default_factory=list)
    either: int | str = 3
    needed: str = Setting(...)


FIELDS = fields_of(Everything)
BY_KEY = {field.key: field for field in FIELDS}

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
KEYS = st.sampled_from(sorted(BY_KEY.keys() - {OTHERS})) | st.from_regex(r"\A[a-z]{3,8}\Z")


@pytest.mark.parametrize(
    ("key", "kind", "secret"),
    [
        ("title", "text", False),
        ("api_key", "text", True),
        ("password", "text", True),
        ("timeout", "integer", False),
        ("ratio", "number", False),
        ("engine", "choice", False),
        ("follow", "choice", False),
        ("hosts", "list", False),
        ("sizes", "list", False),
        ("extra_headers", "yaml", False),
        ("servers", "yaml", False),
        ("either", "yaml", False),
    ],
)
def test_each_type_has_its_kind_of_field(key: str, kind: str, secret: bool):
    assert (BY_KEY[key].kind, BY_KEY[key].secret) == (kind, secret)


def test_what_is_needed_stands_first_and_says_so():
    assert FIELDS[0].key == "needed"
    with pytest.raises(UsageError, match="needed: this is needed"):
        config_of(FIELDS, {})


def test_help_and_default_come_from_the_schema():
    assert BY_KEY["timeout"].help == "Seconds to wait · whole number · default 10"
    assert BY_KEY["timeout"].default == "10"
    assert BY_KEY["follow"].default == "true"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("title", "a b", "a b"),
        ("title", '""', ""),
        ("title", '"null"', "null"),
        ("title", "null", None),
        ("timeout", "20", 20),
        ("timeout", "${WAIT:5}", "${WAIT:5}"),
        ("ratio", "1e3", 1000.0),
        ("ratio", "2", 2),
        ("engine", "duck", "duck"),
        ("follow", "false", False),
        ("hosts", "docs.python.org, x.io", ["docs.python.org", "x.io"]),
        ("hosts", "[]", []),
        ("sizes", "1, 2", [1, 2]),
        ("extra_headers", "A: b", {"A": "b"}),
    ],
)
def test_what_a_person_types(key: str, text: str, value: Any):
    assert config_of(FIELDS, {"needed": "x", key: text})[key] == value


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("timeout", "soon", "timeout: 'soon' is not a whole number"),
        ("timeout", "1.5", "not a whole number"),
        ("sizes", "1, x", "not a whole number"),
        ("extra_headers", "a: [", "not valid YAML"),
        (OTHERS, "just words", "as a map"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(key: str, text: str, said: str):
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        config_of(FIELDS, {"needed": "x", key: text})


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_config_survives_the_form(values: dict[str, Any]):
    config = {"needed": "x", **values}
    back = config_of(FIELDS, texts_of(FIELDS, config))
    assert {key: repr(value) for key, value in back.items()} == {key: repr(value) for key, value in config.items()}
