"""`awb config link`, `sync`, `unlink`, and an editor that meets somebody else's save: no change is ever lost."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_kit import Awb

TEXT = "# mine\nbundle: {name: mine}\nproviders:\n  - module: provider-mock\n# below\n"


@pytest.fixture
def linked(awb: Awb, folder: Path) -> Path:
    """A config `mine` that is linked to a file, which is made by it."""
    awb("config", "import", "-", "--name", "mine", stdin=TEXT)
    awb("config", "link", "mine", "mine.yaml")
    assert (folder / "mine.yaml").read_text() == TEXT
    return folder / "mine.yaml"


def shown(awb: Awb) -> str:
    return awb("config", "show", "mine").out


def test_each_save_writes_the_linked_file_and_keeps_its_mode(awb: Awb, linked: Path) -> None:
    linked.chmod(0o640)
    awb("config", "add-tool", "mine", "tool-todo")
    assert linked.read_text() == shown(awb) != TEXT
    assert stat.S_IMODE(linked.stat().st_mode) == 0o640
    assert os.listdir(linked.parent) == ["mine.yaml"]
    assert "nothing differs" in awb("config", "sync", "mine").err


def test_a_change_from_outside_is_shown_and_waits_until_it_is_taken(awb: Awb, linked: Path) -> None:
    linked.write_text(TEXT + "tools: [{module: tool-todo}]\n")
    (change,) = awb("config", "sync", "--json", code=5).json["changes"]
    assert (change["kind"], change["used"]) == ("file", None)
    assert "+tools: [{module: tool-todo}]" in awb("config", "sync", "mine", code=5).out
    assert shown(awb) == TEXT
    awb("config", "sync", "mine", "--use", "file")
    assert shown(awb) == linked.read_text()
    assert awb("config", "history", "mine", "--json").json["revisions"][0]["note"] == f"from {linked}"
    assert awb("config", "sync", "--json").json["changes"] == []


def test_a_save_never_overwrites_a_file_that_somebody_else_changed(awb: Awb, linked: Path) -> None:
    theirs = TEXT.replace("# mine", "# theirs")
    linked.write_text(theirs)
    done = awb("config", "add-tool", "mine", "tool-todo")
    assert "were both changed; `awb config sync" in done.err
    assert linked.read_text() == theirs
    ours = shown(awb)
    awb("config", "sync", "mine", "--use", "merge")
    assert shown(awb) == linked.read_text() == ours.replace("# mine", "# theirs")


def test_two_changes_of_one_line_are_a_conflict_until_a_side_is_taken(awb: Awb, linked: Path) -> None:
    linked.write_text(TEXT.replace("- module: provider-mock", "- {module: provider-mock, config: {delay: 1}}"))
    awb("config", "add-provider", "mine", "provider-mock", "--set", "delay=2")
    ours, theirs = shown(awb), linked.read_text()
    awb("config", "sync", "mine", "--use", "merge", code=5)
    assert (shown(awb), linked.read_text()) == (ours, theirs)
    awb("config", "sync", "mine", "--use", "config")
    assert linked.read_text() == ours


@pytest.mark.parametrize("bad", ["a: [\n", "a: 1\na: 2\n"])
def test_a_file_that_is_no_yaml_is_not_taken(awb: Awb, linked: Path, bad: str) -> None:
    linked.write_text(bad)
    awb("config", "sync", "mine", "--use", "file", code=3)
    assert shown(awb) == TEXT
    assert linked.read_text() == bad


def test_a_file_that_is_gone_is_told_and_can_be_written_again(awb: Awb, linked: Path) -> None:
    linked.unlink()
    assert "cannot be read" in awb("config", "sync", "mine", code=5).err
    awb("config", "sync", "mine", "--use", "file", code=5)
    awb("config", "sync", "mine", "--use", "config")
    assert linked.read_text() == TEXT


def test_unlinked_sides_go_their_own_ways(awb: Awb, linked: Path) -> None:
    awb("config", "unlink", "mine")
    awb("config", "add-tool", "mine", "tool-todo")
    assert linked.read_text() == TEXT
    awb("config", "sync", "mine", code=2)
    awb("config", "unlink", "mine", code=2)


def test_linking_asks_whose_text_holds_and_never_shares_a_file(awb: Awb, folder: Path, linked: Path) -> None:
    (folder / "other.yaml").write_text("bundle: {name: other}\n")
    awb("config", "copy", "mine", "two")
    assert "is linked to mine" in awb("config", "link", "two", "mine.yaml", code=5).err
    assert "say which" in awb("config", "link", "two", "other.yaml", code=5).err
    awb("config", "link", "two", "other.yaml", "--use", "file")
    assert awb("config", "show", "two").out == "bundle: {name: other}\n"
    awb("config", "link", "two", "nowhere/x.yaml", code=4)
    awb("config", "tag", "mine", "--remove", "linked", code=2)


def test_a_linked_file_that_cannot_be_written_keeps_the_save_and_says_so(awb: Awb, linked: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to this user")
    linked.parent.chmod(0o500)
    done = awb("config", "add-tool", "mine", "tool-todo")
    linked.parent.chmod(0o700)
    assert "does not have revision 2 yet" in done.err
    assert linked.read_text() == TEXT
    awb("config", "sync", "mine", "--use", "config")
    assert linked.read_text() == shown(awb)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make $EDITOR a script; `$1` is the file."""

    def make(script: str) -> None:
        path = tmp_path / "editor.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(path))
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("TMPDIR", str(tmp_path))

    return make


def meanwhile(sed: str) -> str:
    """Return a script that edits a file, while another program edits the same one on disk."""
    return f"sed -i '{sed}' mine.yaml"


def test_an_edit_that_meets_another_save_is_kept_or_merged_on_request(
    awb: Awb, folder: Path, editor: Callable[[str], None]
) -> None:
    (folder / "mine.yaml").write_text(TEXT)
    editor(f"sed -i 's/# below/# changed below/' \"$1\"\n{meanwhile('s/# mine/# theirs/')}")
    done = awb("config", "edit", "mine.yaml", code=5)
    assert "--merge joins both" in done.err
    draft = Path(done.err.split("your text is in ")[1].split("\n")[0])
    assert "# changed below" in draft.read_text()
    assert (folder / "mine.yaml").read_text() == TEXT.replace("# mine", "# theirs")

    (folder / "mine.yaml").write_text(TEXT)
    awb("config", "edit", "mine.yaml", "--merge")
    both = TEXT.replace("# mine", "# theirs").replace("# below", "# changed below")
    assert (folder / "mine.yaml").read_text() == both


def test_an_edit_of_a_stored_config_that_was_saved_meanwhile_keeps_both(
    awb: Awb, editor: Callable[[str], None]
) -> None:
    awb("config", "import", "-", "--name", "mine", stdin=TEXT)
    save = f"{sys.executable} -m agent_workbench config add-tool mine tool-todo >/dev/null 2>&1"
    editor(f"sed -i 's/# mine/# ours/' \"$1\"\n{save}")
    done = awb("config", "edit", "mine", code=5)
    assert "# ours" in Path(done.err.split("your text is in ")[1].split("\n")[0]).read_text()
    assert "tool-todo" in shown(awb)
    editor(f"sed -i 's/# below/# changed/' \"$1\"\n{save.replace('tool-todo', 'tool-search')}")
    awb("config", "edit", "mine", "--merge", "-m", "both")
    assert all(word in shown(awb) for word in ("# changed", "tool-todo", "tool-search"))
    assert awb("config", "history", "mine", "--json").json["revisions"][0]["note"] == "both"


def test_an_edit_of_the_same_line_keeps_both_versions_with_marks(
    awb: Awb, folder: Path, editor: Callable[[str], None]
) -> None:
    (folder / "mine.yaml").write_text(TEXT)
    editor(f"sed -i 's/# mine/# ours/' \"$1\"\n{meanwhile('s/# mine/# theirs/')}")
    done = awb("config", "edit", "mine.yaml", "--merge", code=5)
    draft = Path(done.err.split("your text is in ")[1].split("\n")[0])
    assert "# ours" in draft.read_text()
    assert "# theirs" in draft.read_text()
    assert (folder / "mine.yaml").read_text() == TEXT.replace("# mine", "# theirs")


def test_an_editor_that_fails_loses_nothing_and_leaves_nothing(
    awb: Awb, folder: Path, editor: Callable[[str], None], tmp_path: Path
) -> None:
    (folder / "mine.yaml").write_text(TEXT)
    before = set(tmp_path.iterdir())
    editor("exit 3")
    awb("config", "edit", "mine.yaml", code=1)
    assert {path.name for path in set(tmp_path.iterdir()) - before} == {"editor.sh"}
    editor('echo "a: [" > "$1"')
    done = awb("config", "edit", "mine.yaml", code=3)
    assert Path(done.err.split("your text is in ")[1].split("\n")[0]).read_text() == "a: [\n"
    assert (folder / "mine.yaml").read_text() == TEXT
