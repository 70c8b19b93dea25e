"""Who is answered: the bearer of the token, under a name of this machine, with a body of a bearable size."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from server_kit import Served, served

from agent_workbench.frontends.server.access import kept_token, token_path
from agent_workbench.frontends.server.app import make_app
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


async def test_a_name_that_is_not_ours_is_not_answered(server: Served):
    for host, status in (("evil.example", 400), ("localhost", 200), ("127.0.0.1:80", 200)):
        assert (await server.http.get("/configs", headers={"Host": host})).status_code == status, host


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

    assert (await server.http.post("/configs", content=b"{" + b" " * 1024 * 1024)).status_code == 413
    assert (await server.http.post("/configs", content=flood())).status_code == 413
    assert (await server.http.get("/health")).status_code == 200


@pytest.mark.parametrize("path", ["/sessions/", "/configs/", "/v1/agents/", "/nothing"])
async def test_a_path_with_a_slash_at_its_end_is_another_path(server: Served, path: str):
    answer = await server.http.get(path)
    assert answer.status_code in (404, 405)


async def test_health_says_that_the_database_is_gone(server: Served):
    await asyncio.to_thread(server.bench.store.close)
    answer = await server.http.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "failed", "database": "failed"})


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
