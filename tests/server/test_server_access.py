"""Who is answered: the bearer of the token, under a name of this machine, with a body of a bearable size."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from server_kit import Served, served

from agent_workbench.errors import CannotWrite, UsageError
from agent_workbench.frontends.server.access import kept_token, token_path
from agent_workbench.frontends.server.app import make_app
from agent_workbench.frontends.server.callers import names_of
from agent_workbench.frontends.server.state import ServerSettings


def open_routes(server: Served) -> list[tuple[str, str]]:
    """Return every method and path that there is."""
    app = make_app(server.bench, ServerSettings("token"))
    return [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]


async def test_every_route_but_health_wants_the_token(server: Served):
    routes = open_routes(server)
    assert len(routes) > 30
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        async with httpx2.AsyncClient(base_url=server.url, headers=headers) as stranger:
            answers = {route: (await stranger.request(*route)).status_code for route in routes}
        assert answers.pop(("GET", "/health")) == 200
        assert set(answers.values()) == {401}, headers


async def test_without_auth_nobody_is_asked(tmp_path: Path):
    async with served(tmp_path, token="") as server:
        assert (await server.http.get("/configs")).status_code == 200


HOSTS = {
    "another name": ("evil.example", 400), "ours": ("localhost", 200), "in capitals": ("LocalHost:8000", 200),
    "with its root": ("localhost.", 200), "with a port": ("127.0.0.1:80", 200), "IPv6": ("[::1]:8000", 200),
    "IPv6, written out": ("[0:0:0:0:0:0:0:1]", 200), "IPv6 of others": ("[2001:db8::1]", 400),
    "ours before a sign": ("localhost@evil.example", 400), "ours as a part": ("localhost.evil.example", 400),
    "nothing": ("", 400), "a port alone": (":80", 400),
}  # fmt: skip


@pytest.mark.parametrize(("host", "status"), HOSTS.values(), ids=HOSTS)
async def test_only_a_name_that_is_ours_is_answered(server: Served, host: str, status: int):
    answer = await server.http.get("/configs", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        assert "--allow-host" in answer.json()["detail"]
        below = await server.http.get("/v1/models", headers={"Host": host})
        assert set(below.json()["error"]) == {"message", "type", "param", "code"}


def test_the_names_of_a_server_are_its_address_and_those_that_are_allowed():
    assert names_of("0.0.0.0", ("Box.Local", "fe80::1")) == (
        "127.0.0.1", "localhost", "::1", "0.0.0.0", "box.local", "fe80::1",
    )  # fmt: skip
    for wrong in ("*", "http://box", "", "a b"):
        with pytest.raises(UsageError, match="--allow-host"):
            names_of("127.0.0.1", (wrong,))


async def test_no_page_of_another_origin_can_act_though_no_token_is_asked_for(tmp_path: Path):
    async with served(tmp_path, token="") as server:
        session = await server.session("fine")
        for origin, status in (("https://evil.example", 403), ("null", 403), (server.url, 200)):
            answer = await server.http.post(f"/sessions/{session}/cancel", headers={"Origin": origin})
            assert answer.status_code == status, origin


async def test_a_page_of_another_origin_is_told_nothing_unless_it_is_named(server: Served, tmp_path: Path):
    page = {"Origin": "https://page.example"}
    assert "access-control-allow-origin" not in (await server.http.get("/configs", headers=page)).headers
    async with served(tmp_path / "named", origins=("https://page.example",)) as named:
        answer = await named.http.get("/configs", headers=page)
        assert answer.headers["access-control-allow-origin"] == "https://page.example"


async def test_a_body_that_is_too_large_is_refused_also_where_its_size_is_not_said(server: Served):
    async def flood():
        for _ in range(40):
            yield b'"' + b"a" * 65536

    for content in (b"{" + b" " * 1024 * 1024, flood()):
        answer = await server.http.post("/configs", content=content)
        assert (answer.status_code, answer.json()["detail"]) == (413, "the body is larger than 1,048,576 bytes")
    assert (await server.http.get("/health")).status_code == 200


@pytest.mark.parametrize("path", ["/sessions/", "/configs/", "/v1/agents/", "/nothing"])
async def test_a_path_with_a_slash_at_its_end_is_another_path(server: Served, path: str):
    answer = await server.http.get(path)
    assert answer.status_code in (404, 405)


@pytest.mark.parametrize("how", ["closed", "deleted"])
async def test_health_says_that_the_database_is_gone(server: Served, how: str):
    assert (await server.http.get("/health")).json() == {"status": "ok", "database": "ok"}
    await asyncio.to_thread(server.bench.store.close if how == "closed" else server.bench.database.unlink)
    answer = await server.http.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "failed", "database": "failed"})


def test_a_token_file_that_others_could_read_is_made_ones_own():
    token = kept_token()
    token_path().chmod(0o644)
    assert kept_token() == token
    assert token_path().stat().st_mode & 0o777 == 0o600


def test_an_empty_token_file_gets_a_token():
    token_path().parent.mkdir(parents=True, exist_ok=True)
    token_path().write_text("\n")
    assert len(kept_token()) > 40
    assert token_path().read_text().strip() == kept_token()


def wrong_files(path: Path) -> dict[str, Callable[[], object]]:
    """Return what may stand at the token's path that is no token."""
    elsewhere = path.with_name("elsewhere")
    return {
        "a link": lambda: (elsewhere.write_text("a-token-of-somebody-else"), path.symlink_to(elsewhere)),
        "a link to nothing": lambda: path.symlink_to(path.with_name("nothing")),
        "a folder": path.mkdir,
        "a pipe": lambda: os.mkfifo(path),
        "no text": lambda: path.write_bytes(b"\xff\xfe" * 20),
        "a short word": lambda: path.write_text("secret"),
        "two lines": lambda: path.write_text("a-token-for-tests\nand another"),
    }


@pytest.mark.parametrize("name", wrong_files(Path("a")))
def test_what_is_no_token_of_ones_own_is_refused_and_left_as_it_is(name: str):
    path = token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    wrong_files(path)[name]()
    with pytest.raises(CannotWrite, match="server-token"):
        kept_token()
    assert os.path.lexists(path)
    assert not list(path.parent.glob("server-token.*"))


def test_the_token_is_made_once_and_is_this_users_alone():
    token = kept_token()
    assert len(token) > 40
    assert kept_token() == token
    assert token_path().stat().st_mode & 0o777 == 0o600


async def test_metrics_count_by_route_and_never_by_id(server: Served):
    session = await server.session("fine")
    await server.http.post(f"/sessions/{session}/messages", json={"message": "how are you?"})
    text = (await server.http.get("/metrics")).text
    assert 'awb_requests_total{method="POST",route="/sessions/{session_id}/messages",status="200"} 1.0' in text
    assert 'awb_turns_total{status="completed"} 1.0' in text
    assert session not in text
    await server.http.request("ANYTHING", "/configs")
    text = (await server.http.get("/metrics")).text
    assert "ANYTHING" not in text
    assert 'method="other"' in text
