"""Composition: the rules, the laws they obey, and the traps that are warned of."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.configs.compose import (
    Entry,
    Layer,
    Node,
    compose,
    compose_all,
    flatten,
    merge,
    merge_entries,
    node_of,
    plain,
    traps,
)
from agent_workbench.configs.plan import Origin

scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, width=16) | st.text("ab", max_size=2)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
#: Maps in which a key always has the same kind of value: where merging is associative.
kinded = st.recursive(
    st.fixed_dictionaries({}, optional={"s": scalars, "t": scalars, "l": st.lists(scalars, max_size=4)}),
    lambda inner: st.fixed_dictionaries({}, optional={"s": scalars, "l": st.lists(scalars, max_size=4), "m": inner}),
    max_leaves=4,
)


def at(source: str, value: Any) -> Node:
    return node_of(value, lambda path: Origin(source, len(path) + 1))


def exact(value: Any) -> str:
    """Return a text that tells values apart that Python calls equal: `1`, `1.0` and `true`."""
    return json.dumps(value, sort_keys=True)


def merged(parent: Any, child: Any) -> Any:
    return plain(merge(at("parent", parent), at("child", child)))


@pytest.mark.parametrize(
    ("name", "parent", "child", "outcome"),
    [
        ("maps recurse", {"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ("the child wins", {"a": 1}, {"a": 2}, {"a": 2}),
        ("null replaces", {"a": {"x": 1}}, {"a": None}, {"a": None}),
        ("lists join", {"a": [1, 2]}, {"a": [3]}, {"a": [1, 2, 3]}),
        ("duplicates are dropped", {"a": [1, 2]}, {"a": [2, 3, 3]}, {"a": [1, 2, 3]}),
        ("true is not one", [1], [True, 1.0], [1, True, 1.0]),
        ("a map replaces a list", {"a": [1]}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ("a scalar replaces a map", {"a": {"x": 1}}, {"a": "x"}, {"a": "x"}),
        ("an empty list adds nothing", {"a": [1]}, {"a": []}, {"a": [1]}),
    ],
)
def test_deep_merge(name: str, parent: Any, child: Any, outcome: Any):
    assert exact(merged(parent, child)) == exact(outcome), name


@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_a_child_never_shortens_a_list(parent: Any, child: Any):
    joined = [exact(item) for item in merged({"l": parent}, {"l": child})["l"]]
    mine, theirs = list(map(exact, parent)), dict.fromkeys(map(exact, child))
    assert joined == [*mine, *(item for item in theirs if item not in mine)]


@given(st.dictionaries(st.text("abcdef", max_size=2), scalars), st.dictionaries(st.text("abcdef", max_size=2), scalars))
def test_the_parents_order_is_kept_and_new_keys_follow(parent: dict[str, Any], child: dict[str, Any]):
    assert list(merged(parent, child)) == list(parent) + [key for key in child if key not in parent]


@given(kinded, kinded, kinded)
def test_merging_is_associative_where_kinds_agree(a: Any, b: Any, c: Any):
    assert exact(merged(merged(a, b), c)) == exact(merged(a, merged(b, c)))


@given(st.dictionaries(st.sampled_from("abcd"), values, max_size=4))
def test_merging_maps_with_nothing_or_with_themselves_changes_nothing(value: Any):
    assert exact(merged(value, {})) == exact(value)
    assert exact(merged({}, value)) == exact(value)


@given(values, values)
def test_merging_changes_neither_side(parent: Any, child: Any):
    one, other = at("p", parent), at("c", child)
    before = repr(one), repr(other)
    merge(one, other)
    assert (repr(one), repr(other)) == before


def entries(source: str, *items: dict[str, Any]) -> tuple[Entry, ...]:
    return tuple(
        Entry(item.get("id") or item["module"], at(source, item), ("tools", index)) for index, item in enumerate(items)
    )


names = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), unique=True)


@given(names, names, names)
def test_entries_keep_the_parents_order_and_append_new_ones(one: list[str], two: list[str], three: list[str]):
    lists = [entries(str(number), *({"module": m} for m in group)) for number, group in enumerate((one, two, three))]
    left = merge_entries(merge_entries(lists[0], lists[1]), lists[2])
    right = merge_entries(lists[0], merge_entries(lists[1], lists[2]))
    assert [e.key for e in left] == [e.key for e in right] == list(dict.fromkeys([*one, *two, *three]))


def test_entries_merge_by_id_before_module():
    parent = entries("p", {"module": "m", "id": "one", "config": {"a": 1}}, {"module": "m", "id": "two"})
    child = entries("c", {"module": "m", "id": "one", "config": {"b": 2}}, {"module": "m"})
    assert [plain(e.node) for e in merge_entries(parent, child)] == [
        {"module": "m", "id": "one", "config": {"a": 1, "b": 2}},
        {"module": "m", "id": "two"},
        {"module": "m"},
    ]


def test_every_value_knows_who_set_it_the_winner_last():
    both = merge(at("old", {"config": {"n": 1, "l": ["x"]}}), at("new", {"config": {"n": 2, "l": ["y"]}}))
    assert both is not None
    origins = {path: [origin.source for origin in found] for path, found in flatten(both, "p")}
    assert origins["p.config.n"] == ["old", "new"]
    assert origins["p.config.l"] == ["old", "new"]
    assert origins["p.config.l[0]"] == ["old"]
    assert origins["p.config.l[1]"] == ["new"]


def test_name_version_and_description_follow_their_rules():
    composed = compose(Layer("a", "2.0.0", "old"), Layer("b", "1.0.0", ""))
    assert (composed.name, composed.version, composed.description) == ("b", "1.0.0", "old")


def test_a_single_layer_stays_as_it_is():
    layer = Layer(modules={"tools": entries("x", {"module": "m"}, {"module": "m"})})
    assert compose_all([layer]) is layer
    assert len(compose(layer, Layer()).modules["tools"]) == 1


def session(source: str, **slots: Any) -> Layer:
    return Layer(session=at(source, slots))


@pytest.mark.parametrize(
    ("parent", "child", "code"),
    [
        ({"module": "a", "config": {"x": 1}}, "b", "trap-slot-name"),
        ({"module": "a", "source": "s"}, "a", "trap-slot-name"),
        ({"module": "a", "config": {"x": 1}}, {"module": "b"}, "trap-slot-module"),
        ({"module": "a", "config": {"x": 1}}, {"module": "b", "config": {}}, None),
        ({"module": "a", "config": {"x": 1}}, {"module": "a"}, None),
        ({"module": "a"}, "b", None),
        ("a", {"module": "b"}, None),
    ],
)
def test_the_traps_of_the_session_slots(parent: Any, child: Any, code: str | None):
    found = list(traps(session("p", orchestrator=parent), session("c", orchestrator=child)))
    assert [trap.code for trap in found] == ([code] if code else [])


def test_two_entries_of_one_module_without_id_are_a_trap():
    layer = Layer(modules={"tools": entries("c", {"module": "m"}, {"module": "m"}, {"module": "m", "id": "other"})})
    (trap,) = traps(None, layer)
    assert trap.path == ("tools", 1)
    assert "as soon as anything is included" in trap.message
    (trap,) = traps(Layer(), layer)
    assert "become one" in trap.message
