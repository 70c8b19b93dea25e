"""Plugins: entry points become a catalog; a broken one is named, never raised."""

from importlib.metadata import EntryPoint

import pytest

from agent_workbench.configs.modules import Module
from agent_workbench.plugins import GROUP, load_catalog, read_catalog

GOOD = Module("tool-good", "tool", "does good")
MISNAMED = Module("tool-other", "tool", "is called something else")
NOT_A_MODULE = 3


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{value}" if ":" not in value else value, GROUP)


def test_an_entry_point_becomes_a_module():
    assert read_catalog([point("tool-good", "GOOD")]).get("tool-good") == GOOD


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("tool-gone", "no_such_package_anywhere:MODULE", "ModuleNotFoundError"),
        ("tool-less", "NOWHERE", "AttributeError"),
        ("tool-number", "NOT_A_MODULE", "is a int, not a Module"),
        ("tool-misnamed", "MISNAMED", "calls itself tool-other"),
    ],
)
def test_a_broken_plugin_is_recorded_and_the_others_load(name: str, value: str, reason: str):
    found = read_catalog([point(name, value), point("tool-good", "GOOD")])
    assert reason in found.broken[name]
    assert list(found.modules) == ["tool-good"]


def test_an_id_that_is_taken_twice_is_recorded():
    found = read_catalog([point("tool-good", "GOOD"), point("tool-good", "GOOD")])
    assert list(found.modules) == ["tool-good"]
    assert len(found.broken) == 1


def test_the_installed_catalog_is_read_once():
    assert load_catalog() is load_catalog()
