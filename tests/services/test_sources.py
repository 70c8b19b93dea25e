"""Sources: git repositories made here, a web server on loopback, stored configs, and what is refused."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent_workbench.configs.fetching import Failure, Fetched, Kind, Location
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.resolve import PlanCache, resolve_bundle
from agent_workbench.services.git_source import GitURI, parse_git
from agent_workbench.services.sources import Sources
from agent_workbench.storage.records import Config, ConfigMetadata

TOOL = "tools: [{{module: tool-{0}}}]\n"
NOWHERE = Location("config")


def modules(plan: Plan) -> list[str]:
    return [entry["module"] for entry in plan.mount_plan.get("tools", ())]


# git


class Repository:
    """A git repository in a folder, and its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.email", "a@example.org")
        self.git("config", "user.name", "A")

    @property
    def uri(self) -> str:
        return f"git+file://{self.folder}"

    def git(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "lib")


def sources(tmp_path: Path, **more: object) -> Sources:
    return Sources(cache=tmp_path / "cache", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("git+https://h/a/b@main", GitURI("https://h/a/b", "main")),
        ("git+https://h/a/b", GitURI("https://h/a/b")),
        ("git+https://h/a/b@v1.2#subdirectory=x/y.yaml", GitURI("https://h/a/b", "v1.2", "x/y.yaml")),
        ("git+ssh://git@h/a/b@feature/x#subdirectory=x&egg=y", GitURI("ssh://git@h/a/b", "feature/x", "x")),
        ("git+file:///tmp/a", GitURI("file:///tmp/a")),
        ("git+ext::sh -c touch% /tmp/x", None),
        ("git+http://h/a", None),
        ("git+https://h/a@main#subdir=x", None),
        ("git+https://h/a@--upload-pack=x", None),
        ("git+https://h/a@a..b", None),
        ("https://h/a", None),
    ],
)
def test_git_addresses(uri: str, parts: GitURI | None):
    assert parse_git(uri) == parts


@pytest.mark.parametrize(
    ("uri", "kind", "like"),
    [
        ("./shel", "bundle", "shell"),
        ("./shel.yaml", "bundle", "shell.yaml"),
        ("agents/explorr.md", "file", "explorer.md"),
    ],
)
def test_a_missing_file_is_held_against_those_beside_it(tmp_path: Path, uri: str, kind: Kind, like: str):
    (tmp_path / "shell.yaml").write_text("bundle: {name: shell}\n")
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "explorer.md").write_text("Explore.\n")
    at = Location("", str(tmp_path), str(tmp_path))
    found = sources(tmp_path).fetch(f"./{uri}" if kind == "file" else uri, at, kind)
    assert isinstance(found, Failure)
    assert found.hint == f"did you mean `{like}`?"


def test_nothing_is_said_of_a_folder_that_may_not_be_read(tmp_path: Path):
    (tmp_path / "private.yaml").write_text("a: 1\n")
    (tmp_path / "mine").mkdir()
    at = Location("", str(tmp_path / "mine"), str(tmp_path / "mine"))
    found = sources(tmp_path).fetch("../privat.yaml", at)
    assert isinstance(found, Failure)
    assert "private" not in found.hint


def test_an_address_that_nothing_is_fetched_by_is_called_one(tmp_path: Path):
    found = sources(tmp_path).fetch("ftp://h/x.yaml", NOWHERE)
    assert isinstance(found, Failure)
    assert (found.reason, "https://" in found.hint) == ("nothing is fetched by ftp", True)


def test_a_git_include_is_pinned_until_it_is_refreshed(tmp_path: Path, repository: Repository):
    uri = f"{repository.uri}@main"
    old = repository.commit(bundle__yaml="", **{"bundle.yaml": TOOL.format("old")})
    mine = sources(tmp_path)
    cache = PlanCache()

    def plan(which: Sources) -> Plan:
        return resolve_bundle(f"includes: ['{uri}']\n", base=tmp_path, fetcher=which, cache=cache)

    first = plan(mine)
    assert (modules(first), first.problems) == (["tool-old"], ())
    assert first.origins["tools[tool-old]"][0].commit == old
    assert first.includes == (f"{uri}@{old[:12]}",)
    new = repository.commit(**{"bundle.yaml": TOOL.format("new")})
    assert plan(mine) is first
    assert modules(plan(sources(tmp_path))) == ["tool-old"]
    assert mine.refresh([uri]) == {uri: new}
    assert modules(plan(mine)) == ["tool-new"]
    assert modules(plan(sources(tmp_path, offline=True))) == ["tool-new"]


def test_a_refresh_that_fails_keeps_what_was_pinned(tmp_path: Path, repository: Repository):
    repository.commit(**{"bundle.yaml": TOOL.format("old")})
    mine = sources(tmp_path)
    assert isinstance(mine.fetch(repository.uri, NOWHERE), Fetched)
    repository.folder.rename(tmp_path / "gone")
    assert "git" in mine.refresh([repository.uri])[repository.uri]
    assert isinstance(mine.fetch(repository.uri, NOWHERE), Fetched)


def test_a_failure_is_remembered_for_a_while_and_then_tried_again(tmp_path: Path):
    folder = tmp_path / "late"
    mine, cache = sources(tmp_path), PlanCache()
    text = f"includes: ['git+file://{folder}']\n"

    def plan() -> Plan:
        return resolve_bundle(text, base=tmp_path, fetcher=mine, cache=cache)

    failed = plan()
    Repository(folder).commit(**{"bundle.yaml": TOOL.format("late")})
    assert plan() is failed
    mine.git.retry_after_s = 0
    assert modules(plan()) == ["tool-late"]


@pytest.mark.parametrize("make", ["branch", "tag", "commit", "old commit"])
def test_a_ref_may_be_a_branch_a_tag_or_a_commit(tmp_path: Path, repository: Repository, make: str):
    commit = repository.commit(**{"bundle.yaml": TOOL.format("wanted")})
    repository.git("branch", "side")
    repository.git("tag", "v1")
    repository.commit(**{"bundle.yaml": TOOL.format("latest")})
    ref = {"branch": "side", "tag": "v1"}.get(make, commit)
    found = sources(tmp_path).fetch(f"{repository.uri}@{ref}", NOWHERE)
    assert isinstance(found, Fetched), found
    assert (found.text, found.at.commit) == (TOOL.format("wanted"), commit)


def test_a_subdirectory_that_refers_to_its_own_repository_is_no_cycle(tmp_path: Path, repository: Repository):
    part = f"{repository.uri}@main#subdirectory=parts/a.yaml"
    repository.commit(
        **{"bundle.md": f"---\nbundle: {{name: lib}}\nincludes: ['{part}', 'lib:parts/b']\n---\nHello",
           "parts__a.yaml": "includes: ['lib:parts/b', ../top.yaml]\n" + TOOL.format("a"),
           "parts__b.yaml": TOOL.format("b"), "top.yaml": TOOL.format("top")}
    )  # fmt: skip
    plan = resolve_bundle(f"includes: ['{repository.uri}@main']\n", base=tmp_path, fetcher=sources(tmp_path))
    assert (plan.problems, plan.instruction) == ((), "Hello")
    assert modules(plan) == ["tool-b", "tool-top", "tool-a"]
    assert plan.origins["tools[tool-a]"][0].source == f"{repository.uri}@main#subdirectory=parts/a.yaml"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("@nowhere", "git:"),
        ("#subdirectory=gone.yaml", "there is no gone.yaml"),
        ("#subdirectory=empty", "folder without bundle.md"),
    ],
)
def test_what_a_repository_lacks_is_said(tmp_path: Path, repository: Repository, address: str, said: str):
    repository.commit(**{"bundle.yaml": "", "empty__x.txt": ""})
    found = sources(tmp_path).fetch(repository.uri + address, NOWHERE)
    assert isinstance(found, Failure)
    assert said in found.reason


def test_a_fetched_bundle_reads_nothing_of_this_computer(tmp_path: Path, repository: Repository):
    (tmp_path / "secret.yaml").write_text(TOOL.format("secret"))
    (repository.folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    repository.commit(
        **{"bundle.yaml": f"includes:\n  - {tmp_path}/secret.yaml\n  - file://{tmp_path}/secret.yaml\n  - ./link.yaml\n"
                          f"  - ../../../secret.yaml\n  - config:mine\n"
                          f"  - git+file://{tmp_path}/other\n"
                          f"context:\n  include: [{tmp_path}/secret.yaml, '~/.ssh/id_rsa', work.md]\n"}
    )  # fmt: skip
    (tmp_path / "work.md").write_text("of the workspace")
    Repository(tmp_path / "other").commit(**{"bundle.yaml": TOOL.format("other")})
    mine = sources(tmp_path, trusted=[tmp_path], configs=Stored(mine=TOOL.format("stored")))
    plan = resolve_bundle(f"includes: ['{repository.uri}']\n", base=tmp_path, fetcher=mine)
    assert (modules(plan), plan.context_texts) == ([], ())
    assert len(plan.errors) == 9


def test_nothing_of_a_repository_is_run(tmp_path: Path, repository: Repository):
    ran = tmp_path / "ran"
    for hook in ("post-checkout", "post-merge"):
        path = repository.folder / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {ran}\n")
        path.chmod(0o755)
    repository.git("config", "filter.evil.smudge", f"touch {ran}; cat")
    repository.git("config", "core.fsmonitor", f"touch {ran}")
    repository.commit(**{".gitattributes": "* filter=evil\n", "bundle.yaml": TOOL.format("a")})
    ran.unlink(missing_ok=True)
    assert isinstance(sources(tmp_path).fetch(repository.uri, NOWHERE), Fetched)
    assert not ran.exists()


def test_many_threads_get_one_checkout(tmp_path: Path, repository: Repository):
    repository.commit(**{"bundle.yaml": TOOL.format("a")})
    mine = sources(tmp_path)
    found: list[Fetched | Failure] = []
    threads = [threading.Thread(target=lambda: found.append(mine.fetch(repository.uri, NOWHERE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(isinstance(one, Fetched) for one in found)
    assert len(list((tmp_path / "cache" / "git").glob("*/[0-9a-f]*"))) == 1


def test_several_repositories_are_fetched_side_by_side(tmp_path: Path):
    made = [Repository(tmp_path / name) for name in ("one", "two", "three")]
    for one in made:
        one.commit(**{"bundle.yaml": TOOL.format(one.folder.name)})
    uris = ", ".join(f"'{one.uri}'" for one in made)
    plan = resolve_bundle(f"includes: [{uris}]\n", base=tmp_path, fetcher=sources(tmp_path))
    assert modules(plan) == ["tool-one", "tool-two", "tool-three"]


def test_while_typing_nothing_new_is_fetched_and_what_is_there_is_used(tmp_path: Path, repository: Repository):
    repository.commit(**{"bundle.yaml": TOOL.format("a")})
    mine = sources(tmp_path)
    quiet = mine.without_network()
    assert quiet is mine.without_network()
    assert isinstance(quiet.fetch(repository.uri, NOWHERE), Failure)
    assert isinstance(mine.fetch(repository.uri, NOWHERE), Fetched)
    assert isinstance(quiet.fetch(repository.uri, NOWHERE), Fetched)


def test_a_password_in_an_address_is_dots_wherever_it_is_shown(tmp_path: Path):
    text = "includes: ['git+https://me:hunter2@example.invalid/x@main']\n"
    plan = resolve_bundle(text, base=tmp_path, fetcher=sources(tmp_path, offline=True))
    assert [problem.code for problem in plan.problems] == ["include-missing", "literal-secret"]
    assert all("hunter2" not in str(problem.to_json()) and problem.fix is None for problem in plan.problems)
    parsed = parse_git("git+https://me:hunter2@h/x@main")
    assert parsed is not None
    assert "hunter2" not in parsed.address


def test_a_reference_in_an_include_is_never_filled_in(tmp_path: Path):
    plan = resolve_bundle(
        "includes: ['git+https://${HOST}/x']\n", fetcher=sources(tmp_path), env={"HOST": "example.org"}
    )
    assert [problem.code for problem in plan.errors] == ["include-missing"]
    assert "example.org" not in plan.errors[0].message


# https


Serve = Callable[[dict[str, tuple[int, str]]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[ThreadingHTTPServer] = []

    def start(pages: dict[str, tuple[int, str]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = pages.get(self.path, (404, "not here"))
                self.send_response(status)
                body = text.encode()
                self.send_header(
                    "Location" if status in (301, 302) else "X-Page", text if status in (301, 302) else "1"
                )
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_fetched_address_answers_from_the_cache_until_it_is_refreshed(tmp_path: Path, serve: Serve):
    pages = {"/a.yaml": (200, TOOL.format("old"))}
    address = f"{serve(pages)}/a.yaml"
    mine = sources(tmp_path, loopback=True)

    def plan(which: Sources) -> list[str]:
        return modules(resolve_bundle(f"includes: ['{address}']\n", base=tmp_path, fetcher=which))

    assert plan(mine) == ["tool-old"]
    pages["/a.yaml"] = (200, TOOL.format("new"))
    assert plan(mine) == ["tool-old"]
    assert mine.refresh([address]) == {address: "fetched"}
    assert plan(mine) == ["tool-new"]
    assert plan(sources(tmp_path, offline=True)) == ["tool-new"]


def test_a_fetched_bundle_includes_what_is_beside_it_and_nothing_elsewhere(tmp_path: Path, serve: Serve):
    other = serve({"/x.yaml": (200, TOOL.format("other"))})
    base = serve(
        {
            "/b/a.yaml": (200, f"bundle: {{name: me}}\nincludes: [./c, '../d.yaml', /etc/x.yaml, '{other}/x.yaml']\n"
                               "agents: {include: ['me:helper']}\n"),
            "/b/c.yaml": (200, TOOL.format("c")),
            "/d.yaml": (200, TOOL.format("d")),
            "/b/agents/helper.md": (200, "---\nmeta: {description: Helps}\n---\nHelp."),
        }
    )  # fmt: skip
    plan = resolve_bundle(f"includes: ['{base}/b/a.yaml']\n", base=tmp_path, fetcher=sources(tmp_path, loopback=True))
    assert modules(plan) == ["tool-c", "tool-d", "tool-other"]
    assert [problem.code for problem in plan.problems] == ["include-missing"]
    assert plan.agents["me:helper"].instruction == "Help."


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/gone.yaml", "404"),
        ("/broken.yaml", "500"),
        ("/big.yaml", "larger than"),
        ("/away.yaml", "only https"),
        ("/loop.yaml", ""),
    ],
)
def test_what_cannot_be_fetched_says_why(tmp_path: Path, serve: Serve, path: str, said: str):
    base = serve(
        {
            "/broken.yaml": (500, "no"),
            "/big.yaml": (200, "#" * 1_000_001),
            "/away.yaml": (302, "http://192.0.2.1/x.yaml"),
            "/loop.yaml": (302, "/loop.yaml"),
        }
    )
    found = sources(tmp_path, loopback=True).fetch(base + path, NOWHERE)
    assert isinstance(found, Failure)
    assert said in found.reason


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1/x", "https://127.0.0.1:1/x", "https://[::1]:1/x", "https://0.0.0.0/x", "https://169.254.169.254/x",
     "https://2130706433/x", "https://10.0.0.1/x", "https://me:pw@192.0.2.1/x"],
)  # fmt: skip
def test_only_https_to_public_hosts_is_asked(tmp_path: Path, address: str):
    assert isinstance(sources(tmp_path).fetch(address, NOWHERE), Failure)


# stored configs


class Stored:
    """The stored configs, as sources ask for them."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def get(self, config_id: str) -> Config | None:
        name = config_id.removeprefix("id-")
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return (
            Config(config_id, name, None, now, now, yaml_content=self.texts[name])
            if config_id.startswith("id-")
            else None
        )

    def names(self) -> list[str]:
        return list(self.texts)

    def find(self, name: str) -> list[ConfigMetadata]:
        found = [self.get(f"id-{one}") for one in self.texts if one.rstrip("2") == name]
        return [one for one in found if one is not None]


@pytest.mark.parametrize("reference", ["config:base", "config:id-base"])
def test_another_config_is_included_by_id_or_name(tmp_path: Path, reference: str):
    (tmp_path / "x.yaml").write_text(TOOL.format("x"))
    stored = Stored(base="includes: [./x.yaml]\n" + TOOL.format("base"))
    mine, cache = sources(tmp_path, configs=stored), PlanCache()

    def plan() -> Plan:
        return resolve_bundle(f"includes: ['{reference}']\n", base=tmp_path, fetcher=mine, cache=cache)

    assert modules(plan()) == ["tool-x", "tool-base"]
    assert plan() is plan()
    stored.texts["base"] = TOOL.format("changed")
    assert modules(plan()) == ["tool-changed"]


def test_a_config_that_is_missing_or_ambiguous_is_said_and_a_circle_is_shown(tmp_path: Path):
    stored = Stored(twin="", twin2="", a="includes: ['config:b']\n", b="includes: ['config:a']\n")
    mine = sources(tmp_path, configs=stored)
    text = "includes: ['config:none', 'config:twin', 'config:a']\n"
    plan = resolve_bundle(text, base=tmp_path, fetcher=mine)
    assert [problem.code for problem in plan.problems] == ["include-missing", "include-missing", "include-cycle"]
    assert "2 configs are called `twin`" in plan.problems[1].message
    assert plan.problems[2].message.endswith("config:a → config:b → config:a")


def test_registered_names_stand_for_addresses(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text("bundle: {name: mine}\n" + TOOL.format("mine"))
    mine = sources(tmp_path, registered={"mine": str(tmp_path / "mine.yaml")})
    assert modules(resolve_bundle("includes: [mine]\n", fetcher=mine)) == ["tool-mine"]
    assert "mine" in mine.names()
    assert "foundation" in mine.names()
