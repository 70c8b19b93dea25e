"""The agreed turn, streamed, with pydantic-ai."""

from collections.abc import Awaitable, Callable

from measure import INSTRUCTIONS, QUESTION, main
from openai import AsyncOpenAI
from pydantic_ai import Agent, AgentRunResultEvent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel, OpenAIResponsesModelSettings
from pydantic_ai.providers.openai import OpenAIProvider


def make(url: str, wire: str) -> Callable[[], Awaitable[str]]:
    """Return a turn."""
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    provider = OpenAIProvider(openai_client=client)
    model = (
        OpenAIResponsesModel("turns", provider=provider, settings=OpenAIResponsesModelSettings(openai_store=False))
        if wire == "responses"
        else OpenAIChatModel("turns", provider=provider)
    )
    agent = Agent(model, instructions=INSTRUCTIONS)

    @agent.tool_plain
    def add(a: int, b: int) -> str:
        """Add two numbers."""
        return str(a + b)

    async def turn() -> str:
        answer = ""
        async with agent.run_stream_events(QUESTION) as events:
            async for event in events:
                if isinstance(event, AgentRunResultEvent):
                    answer = event.result.output
        return answer

    return turn


main(make)
