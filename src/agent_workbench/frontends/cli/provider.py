"""`awb provider`: list providers, test them, ask for their models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from agent_workbench.errors import ProviderError
from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.storage.records import Config

config_option = click.option(
    "-c", "--config", "config", required=True, envvar="AWB_CONFIG", metavar="CONFIG", help="Whose providers."
)


@click.group("provider")
def command() -> None:
    """List providers, test them, ask for their models."""


@command.command("list")
@click.option("-c", "--config", "config", metavar="CONFIG", help="Those of a config instead of all that are known.")
@json_option
@with_workbench
async def list_providers(bench: SharedContext, config: str | None, as_json: bool) -> None:
    """List the provider modules, or with --config the providers that a config uses, best first."""
    if config is None:
        modules = list(bench.configs.catalog.of_kind("provider"))
        if as_json:
            shapes = [{"module": one.id, "summary": one.summary, "origin": one.origin} for one in modules]
            emit_json({"providers": shapes})
        else:
            emit_table(("MODULE", "WHAT IT IS", "FROM"), [(one.id, one.summary, one.origin) for one in modules])
        return
    from agent_workbench.services.probe import providers_of

    found = await providers_of(bench, await _config(bench, config))
    if as_json:
        emit_json({"providers": [{"id": one.id, "default_model": one.default_model} for one in found]})
    else:
        emit_table(("ID", "MODEL"), [(one.id, one.default_model or "the first it lists") for one in found])


@command.command("test")
@config_option
@click.option("-p", "--provider", default="", metavar="ID", help="Only this one.")
@click.option("-m", "--model", default="", metavar="MODEL", help="Use this model.")
@json_option
@with_workbench
async def test(bench: SharedContext, config: str, provider: str, model: str, as_json: bool) -> int:
    """Send each provider of a config the smallest prompt. Exits with 1 where one does not answer."""
    from agent_workbench.conversation.codec import usage_to_json
    from agent_workbench.services.probe import probe, providers_of

    found = await providers_of(bench, await _config(bench, config), provider)
    probes = await asyncio.gather(*(probe(one, model) for one in found))
    if as_json:
        emit_json({
            "providers": [
                {"id": one.provider, "model": one.model, "ok": not one.error, "answer": one.answer,
                 "seconds": one.seconds, "usage": usage_to_json(one.usage), "error": one.error,
                 "error_kind": one.error_kind}
                for one in probes
            ]
        })  # fmt: skip
    else:
        rows = [
            (one.provider, one.model, "failed" if one.error else "answers", f"{one.seconds:.1f} s") for one in probes
        ]
        emit_table(("ID", "MODEL", "STATE", "TIME"), rows)
        for one in probes:
            if one.error:
                narrate(_named(one.provider, one.error))
    return 1 if any(one.error for one in probes) else 0


@command.command("models")
@config_option
@click.option("-p", "--provider", default="", metavar="ID", help="Only this one.")
@json_option
@with_workbench
async def models(bench: SharedContext, config: str, provider: str, as_json: bool) -> int:
    """Ask each provider of a config which models it has. Exits with 1 where one does not answer."""
    from agent_workbench.services.probe import providers_of

    found = await providers_of(bench, await _config(bench, config), provider)
    answers = await asyncio.gather(*(one.models() for one in found), return_exceptions=True)
    listed: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for one, answer in zip(found, answers, strict=True):
        if isinstance(answer, ProviderError):
            failed[one.id] = str(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            listed[one.id] = list(answer)
    if as_json:
        emit_json({"models": listed, "errors": failed})
    else:
        emit_table(("PROVIDER", "MODEL"), [(name, model) for name, names in listed.items() for model in names])
        for name, why in failed.items():
            narrate(_named(name, why))
    return 1 if failed else 0


def _named(provider: str, error: str) -> str:
    """Put the provider's id before its error; ours name it themselves."""
    return error if error.startswith(f"{provider}: ") else f"{provider}: {error}"


async def _config(bench: SharedContext, reference: str) -> Config:
    from agent_workbench.frontends.cli.config_trust import agreed_to_run
    from agent_workbench.services.naming import named
    from agent_workbench.services.texts import find_text

    return await named(bench, await find_text(bench.configs, reference), agreed_to_run)
