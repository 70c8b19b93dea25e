"""Configs over HTTP: stored, changed without touching what a change is not about, checked, planned, restored."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from server_kit import Served

TEXT = """# Mine.
bundle:
  name: mine          # as I call it

providers:
  - module: provider-mock
"""


async def stored(server: Served, text: str = TEXT) -> dict[str, str]:
    made = await server.http.post("/configs", json={"name": "mine", "yaml_content": text, "tags": {"team": "a"}})
    assert made.status_code == 201, made.text
    found: dict[str, str] = made.json()
    return found


async def test_a_config_is_stored_found_changed_and_deleted(server: Served):
    made = await stored(server)
    path = f"/configs/{made['config_id']}"
    got = await server.http.get(path)
    assert (got.json()["yaml_content"], got.headers["etag"]) == (TEXT, '"1"')
    listed = (await server.http.get("/configs", params={"tag": "team=a"})).json()
    assert (listed["total"], [one["name"] for one in listed["configs"]]) == (1, ["mine"])
    assert "yaml_content" not in listed["configs"][0]
    changed = await server.http.put(path, json={"description": "for me"})
    assert (changed.json()["description"], changed.json()["yaml_content"]) == ("for me", TEXT)
    assert (await server.http.delete(path)).status_code == 200
    assert (await server.http.get(path)).status_code == 404


async def test_a_save_in_between_is_a_conflict_and_changes_nothing(server: Served):
    path = f"/configs/{(await stored(server))['config_id']}"
    theirs = await server.http.put(path, json={"yaml_content": f"{TEXT}# theirs\n"}, headers={"If-Match": '"1"'})
    assert (theirs.status_code, theirs.headers["etag"]) == (200, '"2"')
    mine = await server.http.put(path, json={"yaml_content": f"{TEXT}# mine\n"}, headers={"If-Match": '"1"'})
    assert mine.status_code == 409
    assert "revision 2" in mine.json()["detail"]
    assert (await server.http.get(path)).json()["yaml_content"].endswith("# theirs\n")


ADDITIONS = [
    ("tools?tool_module=tool-bash", {"timeout": 5}, "\ntools:\n  - module: tool-bash\n    config:\n      timeout: 5\n"),
    ("providers?provider_module=provider-anthropic", None, "  - module: provider-anthropic\n"),
    ("bundles?bundle_uri=foundation", None, "\nincludes:\n  - bundle: foundation\n"),
]


@pytest.mark.parametrize(("path", "body", "added"), ADDITIONS, ids=["tool", "provider", "include"])
async def test_what_is_added_leaves_every_other_byte(server: Served, path: str, body: dict[str, int], added: str):
    config_id = (await stored(server))["config_id"]
    answer = await server.http.post(f"/configs/{config_id}/{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["yaml_content"].replace(added, "") == TEXT
    again = await server.http.post(f"/configs/{config_id}/{path}", json=body)
    assert again.json()["yaml_content"] == answer.json()["yaml_content"], "the same again changes nothing"


async def test_problems_have_their_places(server: Served):
    answer = await server.http.post("/configs/validate", json={"yaml_content": "bundle: {name: a}\ntols: []\n"})
    problem = answer.json()["problems"][0]
    assert (problem["line"], problem["column"], problem["path"]) == (2, 1, "tols")
    assert problem["hint"] == "did you mean `tools`?"


async def test_a_plan_says_where_each_value_comes_from_and_no_secret(server: Served):
    text = f"{TEXT}    config: {{api_key: sk-1234567890abcdef}}\n"
    config_id = (await stored(server, text))["config_id"]
    answer = await server.http.get(f"/configs/{config_id}/plan")
    assert answer.json()["mount_plan"]["providers"][0]["module"] == "provider-mock"
    assert answer.json()["origins"]["providers[provider-mock].module"][0]["line"] == 6
    assert "sk-1234567890abcdef" not in answer.text


async def test_an_old_revision_is_read_and_restored(server: Served):
    path = f"/configs/{(await stored(server))['config_id']}"
    await server.http.put(path, json={"yaml_content": f"{TEXT}# more\n"})
    revisions = (await server.http.get(f"{path}/revisions")).json()["revisions"]
    assert [one["revision"] for one in revisions] == [2, 1]
    assert (await server.http.get(f"{path}/revisions/1")).json()["yaml_content"] == TEXT
    restored = await server.http.post(f"{path}/revisions/1/restore")
    assert (restored.json()["revision"], restored.json()["yaml_content"]) == (3, TEXT)


async def test_a_config_in_use_goes_only_by_force(server: Served):
    session = await server.session("fine")
    config_id = (await server.http.get(f"/sessions/{session}")).json()["config_id"]
    assert (await server.http.delete(f"/configs/{config_id}")).status_code == 409
    assert (await server.http.delete(f"/configs/{config_id}?force=true")).status_code == 200
    assert (await server.http.get(f"/sessions/{session}")).status_code == 404


async def test_a_client_cannot_tie_a_config_to_a_file(server: Served):
    for tag in ("linked", "file", "base"):
        tied = {"name": "a", "yaml_content": TEXT, "tags": {tag: "/tmp/a.yaml"}}
        for path, status in (("/configs", 422), ("/v1/agents", 400)):
            body = tied if path == "/configs" else {"name": "a", "tags": tied["tags"]}
            answer = await server.http.post(path, json=body)
            assert answer.status_code == status, answer.text
            assert tag in answer.text
    config_id = (await stored(server))["config_id"]
    await server.bench.configs.update_config(config_id, tags={"base": "/tmp"})
    changed = await server.http.put(f"/configs/{config_id}", json={"tags": {"team": "b"}})
    assert changed.json()["tags"] == {"team": "b", "base": "/tmp"}


REFUSED = {
    "yaml that is none": ("POST", "/configs", {"name": "a", "yaml_content": "a: [1\n"}, 400, "2:1: error"),
    "no name": ("POST", "/configs", {"name": " ", "yaml_content": TEXT}, 422, "name: "),
    "a field that nobody knows": ("POST", "/configs", {"name": "a", "yaml": TEXT}, 422, "yaml: Extra inputs"),
    "no such config": ("GET", "/configs/none", None, 404, "there is no config none"),
    "no such revision": ("GET", "/configs/none/revisions/7", None, 404, "revision 7"),
    "a limit below one": ("GET", "/configs?limit=0", None, 422, "limit"),
    "a limit beyond all": ("GET", "/configs?limit=100000", None, 422, "limit"),
    "an offset beyond all": ("GET", "/configs?offset=99999999999999999999", None, 422, "offset"),
    "a module without a name": ("POST", "/configs/none/tools?tool_module=", None, 422, "tool_module"),
    "an include of two lines": ("POST", "/configs/none/bundles?bundle_uri=a%0Ab", None, 422, "bundle_uri"),
    "too many tags": (
        "POST",
        "/configs",
        {"name": "a", "yaml_content": TEXT, "tags": dict.fromkeys(map(str, range(101)), "")},
        422,
        "at most 100",
    ),
    "half a pair": ("POST", "/sessions", {"config_id": "\ud800"}, 422, "config_id"),
    "a context without bottom": (
        "POST",
        "/sessions/none/messages",
        {"message": "a", "context": {"a": json.loads("[" * 200 + "]" * 200)}},
        422,
        "100 levels",
    ),
    "an etag that is none": ("PUT", "/configs/none", {"name": "b"}, 400, "If-Match"),
}


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_is_refused_with_words(
    server: Served, method: str, path: str, body: dict[str, Any] | None, status: int, words: str
):
    headers = {"If-Match": "yesterday"} if method == "PUT" else {}
    headers["Content-Type"] = "application/json"
    content = None if body is None else json.dumps(body).encode()  # half a pair goes as its escape
    answer: httpx2.Response = await server.http.request(method, path, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


async def test_a_search_of_signs_is_only_a_search(server: Served):
    for words in ('"', "a OR", "NEAR(", "*", "'; DROP TABLE configs; --"):
        assert (await server.http.get("/configs", params={"q": words})).status_code == 200
        assert (await server.http.get("/sessions", params={"q": words})).status_code == 200
