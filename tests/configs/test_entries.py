"""Which entry stands at a line, and what commenting it out or taking it away leaves."""

from __future__ import annotations

import pytest

from agent_workbench.configs.document import Document
from agent_workbench.configs.entries import entry_at, module_at, removed, toggled
from agent_workbench.errors import EditRefused

TEXT = """\
bundle:
  name: x
includes:
  - bundle: foundation
providers:
  # who answers
  - module: provider-mock
    config:
      delay: 1
tools:
  - module: tool-bash
  - module: tool-web   # looks around
    config:
      timeout: 5
agents:
  reader:
    description: reads
"""


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (1, None), (2, None), (4, ("includes", 0)), (5, None), (7, ("providers", 0)), (9, ("providers", 0)),
        (11, ("tools", 0)), (12, ("tools", 1)), (14, ("tools", 1)), (16, ("agents", "reader")),
        (17, ("agents", "reader")), (99, None),
    ],
)  # fmt: skip
def test_a_line_belongs_to_an_entry(line: int, path: tuple[str | int, ...] | None):
    assert entry_at(Document(TEXT).reading, line) == path


def test_the_module_of_the_line_is_known():
    reading = Document(TEXT).reading
    assert module_at(reading, 14) == ("tool", "tool-web", 1)
    assert module_at(reading, 8) == ("provider", "provider-mock", 0)
    assert module_at(reading, 17) is None
    assert module_at(reading, 1) is None


def test_an_entry_is_commented_out_and_in_again():
    off = toggled(TEXT, 12).apply(TEXT)
    assert [one["module"] for one in Document(off).data["tools"]] == ["tool-bash"]
    line = next(number for number, text in enumerate(off.splitlines(), 1) if "tool-web" in text)
    assert Document(toggled(off, line).apply(off)).data == Document(TEXT).data


def test_an_entry_goes_with_its_comment():
    gone = removed(TEXT, 9).apply(TEXT)
    assert "provider-mock" not in gone
    assert "who answers" not in gone


def test_a_comment_that_explains_something_stays_a_comment():
    with pytest.raises(EditRefused):
        toggled("# Tools that read.\ntools:\n  - module: tool-search  # reads\n", 1)


@pytest.mark.parametrize("make", [toggled, removed])
def test_where_no_entry_is_nothing_is_done(make):
    with pytest.raises(EditRefused, match="put the cursor"):
        make(TEXT, 1)
