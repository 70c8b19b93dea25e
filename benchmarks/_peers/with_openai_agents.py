"""The agreed turn, streamed, with openai-agents; its tracing is off."""

from collections.abc import Awaitable, Callable

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from measure import INSTRUCTIONS, QUESTION, main
from openai import AsyncOpenAI

set_tracing_disabled(True)


@function_tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


def make(url: str, wire: str) -> Callable[[], Awaitable[str]]:
    """Return a turn."""
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    kind = OpenAIResponsesModel if wire == "responses" else OpenAIChatCompletionsModel
    settings = ModelSettings(store=False) if wire == "responses" else ModelSettings()
    agent = Agent("adder", instructions=INSTRUCTIONS, model=kind("turns", client), tools=[add], model_settings=settings)

    async def turn() -> str:
        result = Runner.run_streamed(agent, QUESTION)
        async for _ in result.stream_events():
            pass
        return str(result.final_output)

    return turn


main(make)
