"""`bot chat`: talk to the assistant in the terminal, through the same gateway as everybody."""

import asyncio
import contextlib
import sys
from typing import Any

import aiohttp

from bot.settings import Settings


def chat(conf: Settings) -> int:
    """Chat until end of input or "/slut". Returns the exit code."""
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_chat(f"http://127.0.0.1:{conf.port}"))
    return 0


async def _chat(base: str) -> int:
    async with aiohttp.ClientSession(base) as http:
        try:
            async with http.post("/api/chat/sessions") as response:
                opened = await response.json()
        except aiohttp.ClientError:
            print(f"Ingen assistent svarar på {base}. Starta den med: make run", file=sys.stderr)
            return 1
        http.headers["Authorization"] = f"Bearer {opened['session']}"
        print(opened["notice"], "\n")
        choices = _show(opened["messages"])
        print("(Skriv en fråga, eller numret på ett val. Avsluta med /slut.)")
        while (line := await asyncio.to_thread(_line)) is not None:
            chosen = choices.get(line.strip())
            body = {"choice": chosen} if chosen else {"text": line}
            async with http.post("/api/chat/messages", json=body) as response:
                answer = await response.json(content_type=None)
            if response.status != 200:
                print(f"! {answer['detail']}")
                continue
            choices = _show(answer["messages"])
        async with http.delete("/api/chat/session"):
            return 0


def _line() -> str | None:
    try:
        line = input("\nDu: ")
    except EOFError:
        return None
    return None if line.strip() == "/slut" else line


def _show(messages: list[dict[str, Any]]) -> dict[str, str]:
    choices: dict[str, str] = {}
    for message in messages:
        print(f"\nAssistenten: {message['text']}")
        for source in message["sources"]:
            dated = (
                f"granskad {source['reviewed']}" if source["reviewed"] else f"läst {source['read']}"
            )
            print(f"  Källa: {source['title']}, {dated}")
        for choice in message["choices"]:
            number = str(len(choices) + 1)
            choices[number] = choice["id"]
            print(f"  [{number}] {choice['title']}")
    return choices
