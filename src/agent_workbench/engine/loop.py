"""The run loop: one turn, stateless. The history comes in, events come out, nothing is kept.

The consumer pulls: what an event announces happens after it was taken. So a tool starts only once its `ToolStarted`
was stored, and a request goes out only once the results before it were.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from agent_workbench.configs.words import counted
from agent_workbench.conversation.codec import clean_text
from agent_workbench.conversation.events import (
    Event,
    Notice,
    ReplyFinished,
    ResultsReady,
    Retrying,
    StepStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolFinished,
    TurnFinished,
    TurnStarted,
    TurnStatus,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, Text, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import repair
from agent_workbench.engine.calls import Calls, Refresh
from agent_workbench.engine.hooks.dispatch import Hooks
from agent_workbench.engine.ports import (
    Frontend,
    HookAnswer,
    Limits,
    Provider,
    ReplyDone,
    ReplyItem,
    ReplyText,
    ReplyThinking,
    ReplyToolCall,
    Request,
    Steer,
)
from agent_workbench.engine.retry import stream_with_retries
from agent_workbench.engine.running import Ledger
from agent_workbench.engine.session_config import SessionConfig
from agent_workbench.errors import LimitReached, ProviderError, WorkbenchError


async def run_turn(
    history: Sequence[Message],
    config: SessionConfig,
    frontend: Frontend,
    *,
    turn_id: str = "",
    steer: Steer | None = None,
    refresh: Refresh | None = None,
    spend: Callable[[Usage], None] | None = None,
    late: Callable[[ToolFinished], None] | None = None,
) -> AsyncGenerator[Event, None]:
    """Run one turn and report it as it happens; the last event is always one `TurnFinished`.

    `history` ends with what the person said. `steer` is asked between steps for messages to add, `refresh` before
    each step and after each answer for the session's config as it is by then. Failures of a provider and limits are a
    `TurnFinished`, never an exception. Cancelling the consumer, or `aclose()`, stops tools with their process groups
    and the request, and leaves no task behind; results that are missing then are made by `repair.interrupted`. `late`
    is told then of calls that had ended without being seen, and `spend` what the request and the calls that were given
    up had used, as far as that was said.
    """
    turn = _Turn(list(history), config, frontend, steer, refresh, spend or (lambda used: None))
    turn.ledger.left, turn.ledger.spend = turn.left, turn.spend
    turn.ledger.late = late or turn.ledger.late
    yield TurnStarted(turn_id, config.revision, config.model_name)
    try:
        async with aclosing(turn.run()) as events:
            async for event in events:
                yield event
    except ProviderError as error:
        await turn.hooks.fire("provider:error", {"error": str(error), "kind": error.kind})
        cut = turn.messages[-1:] and turn.messages[-1].stop_reason == "interrupted"
        end = turn.finished("failed", f"{error} Tell it to continue." if cut else str(error), error.kind)
        end = replace(end, request_id=error.request_id or "", config_path=error.config_path)
    except _Objected as error:
        end = turn.finished("failed", str(error), "hook")
    except LimitReached as error:
        end = turn.finished("limited", str(error), "limit")
    except WorkbenchError as error:  # from `refresh` or `steer`: a config that no longer resolves, a database
        end = turn.finished("failed", str(error), error.title)
    else:
        end = turn.finished("completed")
    for notice in await turn.closing(end):
        yield notice
    yield end


class _Objected(Exception):
    """A hook refused a prompt or a request."""


MAX_REPLY = 10_000_000
"""Characters of one reply, thoughts and arguments included. The longest that models write have about a million."""


@dataclass
class _Turn:
    """The local variables of one turn."""

    messages: list[Message]
    config: SessionConfig
    frontend: Frontend
    steer: Steer | None
    refresh: Refresh | None
    spend: Callable[[Usage], None]
    usage: Usage = Usage()
    steps: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    started: float = field(default_factory=time.monotonic)
    last_request: float = 0.0
    dropped: str = ""
    record: dict[str, object] = field(default_factory=dict)
    reported: str = ""
    told: bool = False

    @property
    def hooks(self) -> Hooks:
        """The hooks of the config as it is now."""
        return Hooks(self.config.hooks, self.config.session_id)

    def finished(self, status: TurnStatus, error: str = "", kind: str = "") -> TurnFinished:
        """Return the turn's last event."""
        return TurnFinished(status, self.total, self.steps, clean_text(error), kind)

    def left(self) -> Limits:
        """Return what the turn may still use."""
        limits, used = self.config.limits, self.total
        tokens, cost = (used.input_tokens or 0) + (used.output_tokens or 0), float(used.cost or 0)
        elapsed = time.monotonic() - self.started
        return Limits(
            limits.max_steps - self.steps - self.ledger.steps,
            None if limits.max_tokens is None else limits.max_tokens - tokens,
            None if limits.max_cost is None else limits.max_cost - cost,
            None if limits.max_seconds is None else limits.max_seconds - elapsed,
        )

    @property
    def total(self) -> Usage:
        """What was used so far, children included."""
        return self.usage + self.ledger.usage

    async def closing(self, end: TurnFinished) -> Sequence[Notice]:
        """Tell the hooks that the turn is over; return what went wrong with them."""
        last = self.messages[-1].text if self.messages and self.messages[-1].role == "assistant" else ""
        data = {"status": end.status, "steps": end.steps, "response": last, "error": end.error}
        notices: list[Notice] = []
        for name in ("prompt:complete", "execution:end", "orchestrator:complete"):
            notices.extend((await self.hooks.fire(name, data)).notices)
        return notices

    async def run(self) -> AsyncGenerator[Event, None]:
        """Yield the turn's events, without the first and the last."""
        async with aclosing(self._submitted()) as events:
            async for event in events:
                yield event
        while True:
            if self.refresh is not None:
                self.config = await self.refresh()
            self.check_limits()
            async with aclosing(self._step()) as events:
                async for event in events:
                    yield event
            steered = await self.steer() if self.steer is not None else ()
            for message in steered:
                self.messages.append(message)
                yield UserSaid(message)
            if self._settled() and not steered:
                return

    def _settled(self) -> bool:
        """Whether the model has nothing left to do: it called nothing.

        After a pause it is the person who goes on: newer models take no conversation that ends in their own words.
        """
        return self.messages[-1].role == "assistant"

    async def _submitted(self) -> AsyncGenerator[Event, None]:
        prompt = next((m.text for m in reversed(self.messages) if m.role == "user"), "")
        for name in ("execution:start", "prompt:submit"):
            outcome = await self.hooks.fire(name, {"prompt": prompt})
            self.ledger.injected.extend(outcome.injections)
            for notice in outcome.notices:
                yield notice
        if outcome.denied:
            raise _Objected(f"a hook refused the prompt: {outcome.denied}")

    def check_limits(self) -> None:
        """Stop before a request that would be over a limit.

        Raises:
            LimitReached: With the limit and what was used.
        """
        limits, used = self.config.limits, self.total
        tokens = (used.input_tokens or 0) + (used.output_tokens or 0)
        elapsed = time.monotonic() - self.started
        if self.steps + self.ledger.steps >= limits.max_steps:
            raise _limit_reached(f"used its {counted(limits.max_steps, 'step')}", "max_steps")
        if limits.max_tokens is not None and tokens >= limits.max_tokens:
            raise _limit_reached(f"used {tokens:,} of its {limits.max_tokens:,} tokens", "max_tokens")
        cost = float(used.cost or 0)
        if limits.max_cost is not None and cost >= limits.max_cost:
            raise _limit_reached(f"cost ${cost:.4f} of its ${limits.max_cost:g}", "max_cost")
        if limits.max_seconds is not None and elapsed >= limits.max_seconds:
            raise _limit_reached(f"took {elapsed:.1f} of its {limits.max_seconds:g} seconds", "max_seconds")

    def unmeasured(self, used: Usage) -> str:
        """Say once that a limit cannot hold, because the provider did not say what it counts."""
        limits, counted = self.config.limits, (used.input_tokens, used.output_tokens)
        words = ""
        if not self.told and limits.max_cost is not None and used.cost is None:
            words = "what this model costs is unknown, so max_cost does not hold; its provider's `prices` can say it"
        elif not self.told and limits.max_tokens is not None and counted == (None, None):
            words = "the provider does not say how many tokens it used, so max_tokens does not hold"
        self.told = self.told or bool(words)
        return words

    async def _step(self) -> AsyncGenerator[Event, None]:
        self.steps += 1
        yield StepStarted(self.steps, self.config.model_name)
        asked = {"step": self.steps, "model": self.config.model_name, "history": tuple(self.messages)}
        outcome = await self.hooks.fire("provider:request", asked)
        for notice in outcome.notices:
            yield notice
        if outcome.denied:
            raise _Objected(f"a hook refused the request: {outcome.denied}")
        reply: Message | None = None
        async with aclosing(self._reply(outcome.injections)) as events:
            async for event in events:
                if isinstance(event, ReplyFinished):
                    self.ledger.injected[:] = [answer for answer in self.ledger.injected if not answer.ephemeral]
                    reply = event.message
                    self.messages.append(reply)
                    self.usage += event.usage
                yield event
                if isinstance(event, ReplyFinished) and (words := self.unmeasured(event.usage)):
                    yield Notice(words, "warning")
        assert reply is not None
        async with aclosing(self._replied(reply)) as events:
            async for event in events:
                yield event
        if reply.tool_calls:
            calls = Calls(self.config, self.frontend, self.hooks, tuple(self.messages), self.ledger, self.refresh)
            async with aclosing(calls.settle()) as events:
                async for event in events:
                    if isinstance(event, ResultsReady):
                        self.messages.append(event.message)
                    yield event

    async def _replied(self, reply: Message) -> AsyncGenerator[Event, None]:
        outcome = await self.hooks.fire("provider:response", {"text": reply.text, "stop_reason": reply.stop_reason})
        for notice in outcome.notices:
            yield notice
        match reply.stop_reason:
            case "refusal":
                yield Notice("the model refused to answer", "warning")
            case "max_tokens" if reply.tool_calls:
                yield Notice("the reply was cut off by its token limit, so what it calls is not run", "warning")
            case "max_tokens":
                yield Notice("the reply was cut off by its token limit; tell it to continue", "warning")
            case "pause" if not reply.tool_calls:
                yield Notice("the model paused; tell it to continue", "warning")
            case _ if not reply.parts:
                yield Notice("the model answered with nothing", "warning")

    async def _reply(self, injections: Sequence[HookAnswer]) -> AsyncGenerator[Event, None]:
        """Stream one reply; a context that is too long is squeezed and sent once more, if nothing was shown."""
        for squeeze in (False, True):
            shown = False
            try:
                async with aclosing(self._stream(self._request(injections, squeeze))) as events:
                    for notice in await self._compacted():
                        yield notice
                    async for event in events:
                        shown = shown or not isinstance(event, Retrying)
                        yield event
                return
            except ProviderError as error:
                again = error.kind == "context_exceeded" and not shown and self.config.history_policy is not None
                if squeeze or not again:
                    raise
                yield Notice("the conversation is too long for the model: sending less of it", "warning")

    def _request(self, injections: Sequence[HookAnswer], squeeze: bool) -> Request:
        """Build the request: what changes each time goes last, so that prompt caches hold."""
        config, policy = self.config, self.config.history_policy
        system, messages = config.system, tuple(self.messages)
        if policy is not None:
            system = "\n\n".join(filter(None, (system, policy.memory(config.workspace))))
            view = policy.view(messages, system=system, squeeze=squeeze)
            messages, self.dropped = view.messages, view.dropped
            self.record = {"compaction": True, "left_out": list(view.left_out), "shortened": list(view.shortened)}
        added = [*self.ledger.injected, *injections]
        system = "\n\n".join(filter(None, (system, *(a.text for a in added if a.role == "system"))))
        tail = [user(f"<system-reminder>\n{a.text}\n</system-reminder>") for a in added if a.role == "user"]
        whole = repair.sendable((*messages, *tail))
        return Request(
            system, whole, config.tools.specs, config.model, config.session_id, tuple(self.messages), self.spend
        )

    async def _compacted(self) -> Sequence[Notice]:
        """Report what the context manager left out of the request, where that changed within the turn."""
        left_out = self.dropped.partition(" (about ")[0]
        dropped, self.reported = (self.dropped if left_out != self.reported else ""), left_out
        if not dropped:
            return ()
        notices = [Notice(dropped, data=self.record)]
        for name in ("context:pre_compact", "context:post_compact"):
            notices.extend((await self.hooks.fire(name, {"dropped": dropped})).notices)
        return notices

    async def _stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Turn what a provider yields into events; the words of a reply that breaks are kept as interrupted."""
        await self._wait()
        started, words, heard, room = time.monotonic(), "", _Heard(self.hooks), MAX_REPLY
        try:
            async with aclosing(_items(self.config.candidates(), request)) as items:
                async for item in items:
                    room -= _length(item)
                    if room < 0:
                        raise ProviderError(f"the reply has more than {MAX_REPLY:,} characters", kind="protocol")
                    await heard.item(item)
                    match item:
                        case ReplyText(text):
                            words += text
                            yield TextDelta(text)
                        case ReplyThinking(text):
                            yield ThinkingDelta(text)
                        case ReplyToolCall(call_id, name, arguments):
                            yield ToolCallDelta(call_id, name, arguments)
                        case Retrying():
                            self.usage += item.usage
                            yield item
                        case ReplyDone(message, usage, request_id):
                            yield ReplyFinished(message, usage.of_reply, time.monotonic() - started, request_id)
                            return
        except ProviderError as error:
            used = error.usage or Usage()
            if words:
                kept = Message("assistant", (Text(words),), self.config.model_name, "interrupted")
                yield ReplyFinished(kept, used, time.monotonic() - started, error.request_id or "")
            else:
                self.usage += used
            raise

    async def _wait(self) -> None:
        """Keep the least time between requests that the orchestrator's config asks for."""
        left = self.last_request + self.config.min_delay_s - time.monotonic()
        if self.last_request and left > 0:
            await asyncio.sleep(left)
        self.last_request = time.monotonic()


def _length(item: ReplyItem | Retrying) -> int:
    match item:
        case ReplyText(text) | ReplyThinking(text) | ReplyToolCall(arguments=text):
            return len(text)
        case _:
            return 0


def _limit_reached(words: str, limit: str) -> LimitReached:
    return LimitReached(f"the turn {words}; tell it to continue, or raise {limit}")


async def _items(providers: Sequence[Provider], request: Request) -> AsyncGenerator[ReplyItem | Retrying, None]:
    """Stream a reply; whatever goes wrong is a `ProviderError`, and so is an end without `ReplyDone`."""
    try:
        async with aclosing(stream_with_retries(providers, request)) as items:
            async for item in items:
                yield item
                if isinstance(item, ReplyDone):
                    return
    except ProviderError:
        raise
    except Exception as error:  # a provider is other people's code, and so is its SDK
        raise ProviderError(f"the provider broke: {type(error).__name__}: {error}", kind="protocol") from error
    raise ProviderError("the reply ended without being finished", kind="interrupted")


@dataclass
class _Heard:
    """Tells the hooks of a reply's pieces, where any listens; what they answer to that does not matter."""

    hooks: Hooks
    thoughts: str = ""
    block: str = ""

    async def item(self, item: object) -> None:
        """Say what came."""
        match item:
            case ReplyText(text):
                await self._piece("text", "content_block:delta", text)
            case ReplyThinking(text):
                self.thoughts += text
                await self._piece("thinking", "thinking:delta", text)
            case ReplyToolCall(_, name, arguments):
                await self._piece(f"tool_use {name}" if name else self.block, "content_block:delta", arguments)
            case Retrying(attempt, delay_s, reason):
                await self._say("provider:retry", {"attempt": attempt, "delay_s": delay_s, "reason": reason})
            case ReplyDone():
                await self._piece("", "", "")

    async def _piece(self, block: str, event: str, text: str) -> None:
        if block != self.block:
            if self.block == "thinking":
                await self._say("thinking:final", {"text": self.thoughts})
            if self.block:
                await self._say("content_block:end", {"type": self.block})
            self.block = block
            if block:
                await self._say("content_block:start", {"type": block})
        if event:
            await self._say(event, {"type": block, "text": text})

    async def _say(self, name: str, data: dict[str, object]) -> None:
        if self.hooks.hears(name):
            await self.hooks.fire(name, data)
