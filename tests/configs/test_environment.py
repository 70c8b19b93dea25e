"""Environment references: found everywhere, expanded once, never by accident."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.configs.environment import expand, references

ENV = {"HOME_DIR": "/h", "EMPTY": "", "SNEAKY": "${HOME_DIR}"}


@pytest.mark.parametrize(
    ("value", "expanded", "missing"),
    [
        ("${HOME_DIR}/x", "/h/x", ()),
        ("${HOME_DIR}${HOME_DIR}", "/h/h", ()),
        ("${GONE}", "${GONE}", ("GONE",)),
        ("${GONE:http://a:80/b}", "http://a:80/b", ()),
        ("${GONE:}", "", ()),
        ("${EMPTY:full}", "", ()),
        ("${SNEAKY}", "${HOME_DIR}", ()),
        ("$HOME_DIR {HOME_DIR} ${} ${1A} ${a b}", "$HOME_DIR {HOME_DIR} ${} ${1A} ${a b}", ()),
        ({"${HOME_DIR}": ["${HOME_DIR}", 1, None, True]}, {"${HOME_DIR}": ["/h", 1, None, True]}, ()),
        (["${B}", "${A}", "${B}"], ["${B}", "${A}", "${B}"], ("B", "A")),
    ],
)
def test_expansion(value: Any, expanded: Any, missing: tuple[str, ...]):
    assert expand(value, ENV) == (expanded, missing)


@given(
    st.recursive(st.text("${}:AB", max_size=12), lambda inner: st.lists(inner) | st.dictionaries(st.text("AB"), inner))
)
def test_expanding_leaves_the_value_itself_alone_and_misses_what_is_listed(value: Any):
    before = repr(value)
    _, missing = expand(value, {"A": "a"})
    assert repr(value) == before
    assert set(missing) == {found.name for found in references(value) if found.status({"A": "a"}) == "unset"}


def test_references_tell_path_and_status_and_never_the_value():
    found = list(references({"a": ["x ${HOME_DIR} ${GONE:d}", {"b": "${GONE}"}]}))
    assert [(one.name, one.path, one.status(ENV)) for one in found] == [
        ("HOME_DIR", ("a", 0), "set"),
        ("GONE", ("a", 0), "default"),
        ("GONE", ("a", 1, "b"), "unset"),
    ]
