"""Includes that try to reach what is inside, to wait for ever, or to read what is no file."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_workbench.configs.fetching import Failure, Location
from agent_workbench.services.git_source import GitCache, parse_git, reach
from agent_workbench.services.sources import Sources
from agent_workbench.services.web_source import Page, WebCache

NOWHERE = Location("here")

INSIDE = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "localhost", "LOCALHOST", "localhost.", "0.0.0.0", "0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "169.254.169.254", "0xa9fea9fe", "[fe80::1]", "me:pw@127.0.0.1", "127.0.0.1:8443",
    "me@[::1]:8443",
]  # fmt: skip
OWN_NETWORK = ["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fd00::1]", "0xa000001", "168.63.129.16"]
NO_HOSTS = [
    "127%2e0%2e0%2e1",
    "１２７.0.0.1",
    "127。0。0。1",
    "example.org\\.127.0.0.1",
    "[::1%25lo]",
    "exa mple",
    "",
    "a" * 300,
]


@pytest.mark.parametrize("host", [*INSIDE, *OWN_NETWORK, *NO_HOSTS])
def test_a_repository_over_https_is_asked_only_on_the_public_internet(tmp_path: Path, host: str) -> None:
    refused = reach(f"https://{host}/team/lib")
    assert isinstance(refused, Failure)
    assert "git:" not in refused.reason  # git was not even started
    uri = parse_git(f"git+https://{host}/team/lib@main")
    if uri is not None:
        done = GitCache(tmp_path).checkout(uri)
        assert isinstance(done, Failure)
        assert done.reason == refused.reason


@pytest.mark.parametrize("host", [*INSIDE, *NO_HOSTS])
def test_a_repository_over_ssh_is_never_on_this_computer(host: str) -> None:
    assert isinstance(reach(f"ssh://{host}/team/lib"), Failure)


@pytest.mark.parametrize("host", ["git@10.0.0.1", "192.168.1.1:2222", "git@[fd00::1]"])
def test_a_repository_over_ssh_may_be_in_the_own_network(host: str) -> None:
    assert reach(f"ssh://{host}/team/lib") == ()


def test_git_asks_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"git.example.org": ["93.184.215.14"], "rebind.example.org": ["93.184.215.14", "127.0.0.1"]}

    def resolve(host: str, port: int, **how: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in answers[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert reach("https://git.example.org/x") == ("-c", "http.curloptResolve=git.example.org:443:93.184.215.14")
    assert reach("https://me@GIT.example.org:444/x") == ("-c", "http.curloptResolve=git.example.org:444:93.184.215.14")
    assert isinstance(reach("https://rebind.example.org/x"), Failure)


@pytest.mark.parametrize("host", INSIDE + OWN_NETWORK)
def test_a_page_is_asked_only_on_the_public_internet(tmp_path: Path, host: str) -> None:
    assert isinstance(WebCache(tmp_path).get(f"https://{host}/x.yaml"), Failure)


# --- servers that never end -----------------------------------------------------------------------------------------


@pytest.fixture
def dripping() -> Iterator[str]:
    """Serve one byte of a header line every 20 ms, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
                while not over.wait(0.02):
                    connection.sendall(b"a")
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/x.yaml"
    over.set()
    listener.close()
    thread.join(5)


def test_a_server_that_drips_its_headers_is_left_at_the_time_limit(tmp_path: Path, dripping: str) -> None:
    started = time.monotonic()
    found = WebCache(tmp_path, loopback=True, timeout_s=0.3).get(dripping)
    assert isinstance(found, Failure)
    assert "0.3" in found.reason
    assert time.monotonic() - started < 3


async def test_a_page_can_be_fetched_where_an_event_loop_runs(tmp_path: Path, dripping: str) -> None:
    assert not isinstance(WebCache(tmp_path, loopback=True, timeout_s=0.1).get(dripping), Page)


# --- files that are none --------------------------------------------------------------------------------------------

NO_FILES = ["/proc/self/environ", "/proc/self/cmdline", "/proc/../proc/self/environ", "/proc/thread-self/environ",
            "/sys/kernel/mm/transparent_hugepage/enabled", "/dev/zero", "/dev/stdin", "/dev/tty",
            "/proc/self/fd/0"]  # fmt: skip


@pytest.mark.parametrize("path", NO_FILES)
def test_what_the_kernel_makes_up_is_no_bundle(tmp_path: Path, path: str) -> None:
    (tmp_path / "link.yaml").symlink_to(path)
    sources = Sources(cache=tmp_path / "cache", trusted=["/"])
    for uri in (path, f"file://{path}", "./link.yaml"):
        for kind in ("bundle", "file"):
            found = sources.fetch(uri, Location("here", str(tmp_path), str(tmp_path)), kind)  # type: ignore[arg-type]
            assert isinstance(found, Failure), f"{uri} as {kind}"


def test_a_pipe_is_no_bundle_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    found = Sources(cache=tmp_path / "cache").fetch("./x.yaml", Location("here", str(tmp_path), str(tmp_path)))
    assert isinstance(found, Failure)
