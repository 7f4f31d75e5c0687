"""Rasa's REST channel as the gateway uses it."""

from pathlib import Path
from typing import Any

import aiohttp
import structlog

log = structlog.get_logger("rasa")
LOADING_SECONDS = 180


class RasaAway(Exception):
    """Rasa didn't give an answer in time."""


class Rasa:
    """A client with a time limit per turn, in seconds."""

    def __init__(self, base: str, timeout: float, token: str) -> None:
        self._base, self._token = base, token
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=1)

    def open(self) -> None:
        """Open the connection pool; needs a running event loop."""
        self._http = aiohttp.ClientSession(timeout=self._timeout)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def say(
        self,
        conversation: str,
        text: str,
        lang: str = "sv",
        sealed: str | None = None,
        **known: Any,
    ) -> list[dict[str, Any]]:
        """Rasa's messages for a text or payload. Raises RasaAway, also on an empty answer.

        `sealed` is the text with what was masked in it, for the action server only; `known` is
        what the transcripts need beside the text (bot/transcripts/turns.py). An empty list
        means that the action server didn't answer: Rasa logs that and goes on.
        """
        about = {"language": lang, **known, **({"sealed": sealed} if sealed else {})}
        body = {"sender": conversation, "message": text, "metadata": about}
        messages = await self._post(body)
        if not messages:
            raise RasaAway("empty answer")
        return messages

    async def new_session(self, conversation: str) -> None:
        """Let Rasa forget all but the slots. Failure is harmless: the next one is tried later."""
        try:
            await self._post({"sender": conversation, "message": "/session_start"})
        except RasaAway as error:
            log.warning("session_start_failed", reason=str(error))

    async def load(self, model: Path) -> None:
        """Let Rasa answer with another model, which it reads while it answers with the old one.

        `model` is an absolute path. Raises RasaAway; then the old one is in place.
        """
        try:
            async with self._http.put(
                f"{self._base}/model", params={"token": self._token},
                json={"model_file": str(model)},
                timeout=aiohttp.ClientTimeout(total=LOADING_SECONDS),
            ) as response:  # fmt: skip
                if response.status != 204:
                    raise RasaAway(f"status {response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RasaAway(type(error).__name__) from error

    async def ready(self) -> bool:
        """Whether Rasa answers with a loaded model."""
        try:
            async with self._http.get(
                f"{self._base}/status", params={"token": self._token}
            ) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _post(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            async with self._http.post(
                f"{self._base}/webhooks/rest/webhook", json=body
            ) as response:
                if response.status != 200:
                    raise RasaAway(f"status {response.status}")
                messages: list[dict[str, Any]] = await response.json()
                return messages
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RasaAway(type(error).__name__) from error
