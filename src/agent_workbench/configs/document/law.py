"""The law of edits: the data afterwards is exactly what was meant. Here: what is meant, and the comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent_workbench.configs.nodes import Path


def updated(data: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return data with one place changed; only the containers on the way are copied, so shared parts stay apart."""
    if not path:
        return change(data)
    copy = data.copy()
    copy[path[0]] = updated(data[path[0]], path[1:], change)
    return copy


def lookup(data: Any, path: Path) -> Any:
    """Return the value at a path that exists."""
    for part in path:
        data = data[part]
    return data


def without(data: Any, path: Path) -> Any:
    """Return data without an entry."""

    def drop(container: Any) -> Any:
        copy = container.copy()
        del copy[path[-1]]
        return copy

    return updated(data, path[:-1], drop)


def entry_key(entry: Any) -> Any:
    """Return what two bundles know an entry by: its id, else its module."""
    if isinstance(entry, Mapping):
        return entry.get("id") or entry.get("module")
    return entry


def merged(parent: Any, child: Any) -> Any:
    """Return the deep merge of bundles: maps recurse, lists concatenate without repeats, the child wins otherwise."""
    if isinstance(parent, dict) and isinstance(child, dict):
        result = dict(parent)
        for key, value in child.items():
            result[key] = merged(parent[key], value) if key in parent else value
        return result
    if isinstance(parent, list) and isinstance(child, list):
        result_list = list(parent)
        for item in child:
            if not any(same(item, other) for other in result_list):
                result_list.append(item)
        return result_list
    return child


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same data: 1, 1.0 and true differ, not-a-number equals itself."""
    return difference(one, other) is None


def difference(one: Any, other: Any, path: Path = ()) -> Path | None:
    """Return the path of the first difference, None where there is none."""
    if type(one) is not type(other):
        return path
    if isinstance(one, dict):
        if one.keys() != other.keys():
            odd = next(iter(one.keys() ^ other.keys()))
            return (*path, odd)
        pairs = [(key, value, other[key]) for key, value in one.items()]
    elif isinstance(one, list):
        if len(one) != len(other):
            return (*path, min(len(one), len(other)))
        pairs = [(index, value, other[index]) for index, value in enumerate(one)]
    else:
        return None if one == other or (one != one and other != other) else path
    for part, left, right in pairs:
        if type(left) is str and left == right:  # most of a bundle
            continue
        found = difference(left, right, (*path, part))
        if found is not None:
            return found
    return None


def alike_but_empty(one: Any, other: Any) -> bool:
    """Compare data, taking an empty list, an empty map and nothing for the same."""
    if not one and not other and isinstance(one, dict | list | None) and isinstance(other, dict | list | None):
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike_but_empty(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike_but_empty, one, other))
    return same(one, other)


def grew(after: Any, before: Any) -> bool:
    """Tell whether data only gained entries, and gained some."""
    return _holds(after, before) and not same(after, before)


def _holds(after: Any, before: Any) -> bool:
    """Tell whether everything that was there still is, in its order; an empty section may have been filled."""
    if isinstance(after, dict) and isinstance(before, dict):
        return all(key in after and _holds(after[key], value) for key, value in before.items())
    if isinstance(after, list) and isinstance(before, list):
        if len(after) == len(before):
            return all(map(_holds, after, before))
        rest = iter(after)
        return all(any(same(item, known) for item in rest) for known in before)
    return same(after, before) or (before is None and isinstance(after, dict | list))
