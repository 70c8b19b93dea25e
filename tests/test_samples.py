"""The samples: each loads, says what it is for, survives edits, and runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_workbench import open_workbench, paths
from agent_workbench.configs.document import Document
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import read
from agent_workbench.services.shared import SharedContext

FOLDER = paths.shipped("sample_configs")
SAMPLES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".yaml", ".md"))
EXPECTED = {"hello", "anthropic", "openai", "local", "coding", "team"}

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedContext]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "for the test")
    monkeypatch.setenv("OPENAI_API_KEY", "for the test")
    opened = open_workbench(tmp_path / "workbench.db", workspace=tmp_path)
    yield opened
    await opened.close()


def test_the_promised_samples_are_there() -> None:
    assert {path.stem for path in SAMPLES} >= EXPECTED


@every_sample
async def test_a_sample_resolves_without_an_error(sample: Path, bench: SharedContext) -> None:
    plan = await bench.configs.plan_text(sample.read_text("utf-8"), name=sample.name, base=FOLDER)
    assert errors(plan.problems) == ()
    assert plan.description
    assert plan.mount_plan["providers"]


@every_sample
async def test_a_sample_starts_a_session(sample: Path, bench: SharedContext) -> None:
    config = await bench.configs.find_config(sample.stem)
    assert config.yaml_content == sample.read_text("utf-8")
    session = await bench.sessions.create_session(config.config_id)
    assert session.status == "active"


@every_sample
def test_a_sample_explains_itself_to_a_reader_who_is_new(sample: Path) -> None:
    lines = sample.read_text("utf-8").splitlines()
    comments = [line for line in lines if line.lstrip().startswith("#")]
    assert lines[1 if sample.suffix == ".md" else 0].startswith("# ")
    assert comments[0].endswith(".")
    assert len(comments) >= 4
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100


@every_sample
def test_an_edit_of_a_sample_keeps_every_other_byte(sample: Path) -> None:
    text = sample.read_text("utf-8")
    document = Document(text, source=sample.name)
    edits = [
        document.add_tool("tool-web", None, {"timeout": 20}),
        document.add_provider("provider-ollama", None, {"default_model": "qwen3"}),
        document.add_include("./more.yaml"),
        document.set_value(("bundle", "version"), "2.0.0"),
    ]
    for edit in edits:
        changed = edit.apply(text)
        assert changed[: edit.start] == text[: edit.start]
        assert changed[edit.start + len(edit.new) :] == text[edit.end :]
        assert not errors(read(changed, source=sample.name).problems)
        assert edit.inverse().apply(changed) == text


def test_hello_needs_no_key_and_no_network() -> None:
    data = read((FOLDER / "hello.yaml").read_text("utf-8")).data
    assert [entry["module"] for entry in data["providers"]] == ["provider-mock"]
    assert "${" not in (FOLDER / "hello.yaml").read_text("utf-8")
