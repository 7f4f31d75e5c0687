"""The API described as OpenAPI 3.1, made of the models that check it."""

import json
from typing import Any

from aiohttp import web
from pydantic.json_schema import models_json_schema

from bot.chat.messages import (
    FeedbackIn,
    MessageIn,
    MessagesOut,
    SearchOut,
    SessionIn,
    SessionOut,
    StatusOut,
    WebhookIn,
)
from bot.version import version

_MODELS = (
    *(SessionOut, MessagesOut, StatusOut, SearchOut),
    *(SessionIn, MessageIn, FeedbackIn, WebhookIn),
)
_QUERY = {"/api/search": "q", "/api/chat/status": "lang"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        name: {"type": "integer" if name == "status" else "string"}
        for name in ("type", "title", "title_en", "status", "detail", "detail_en", "request_id")
    },
}
_WEBHOOK_OUT = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "recipient_id": {"type": "string"},
            "text": {"type": "string"},
            "buttons": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"title": {"type": "string"}, "payload": {"type": "string"}},
                },
            },
            "custom": {"type": "object"},
        },
    },
}
# path, method, summary, body, status, answer, needs a session
_OPERATIONS: tuple[tuple[str, str, str, str | None, int, str | None, bool], ...] = (
    ("/api/chat/sessions", "post", "Börja ett samtal", "SessionIn", 201, "SessionOut", False),
    ("/api/chat/messages", "post", "Skriv eller välj", "MessageIn", 200, "MessagesOut", True),
    ("/api/chat/messages", "get", "Samtalet hittills", None, 200, "MessagesOut", True),
    ("/api/chat/status", "get", "Öppet nu, viktigt nu", None, 200, "StatusOut", False),
    ("/api/chat/transcript", "get", "Samtalet som textfil", None, 200, "text", True),
    ("/api/chat/feedback", "post", "Hjälpte svaret?", "FeedbackIn", 204, None, True),
    ("/api/chat/session", "delete", "Radera samtalet nu", None, 204, None, True),
    ("/webhooks/rest/webhook", "post", "Rasas REST-form", "WebhookIn", 200, "webhook", False),
    ("/api/search", "get", "Sök bland svar och sidor", None, 200, "SearchOut", False),
    ("/api/openapi.json", "get", "Den här beskrivningen", None, 200, "object", False),
    ("/healthz", "get", "Processen lever", None, 200, "object", False),
    ("/readyz", "get", "Alla delar svarar", None, 200, "object", False),
    ("/version", "get", "Version och modell", None, 200, "object", False),
)


def specification() -> dict[str, Any]:
    """The whole document."""
    _, schemas = models_json_schema(
        [(model, "serialization" if model.__name__.endswith("Out") else "validation")
         for model in _MODELS],
        ref_template="#/components/schemas/{model}",
    )  # fmt: skip
    paths: dict[str, Any] = {}
    for path, method, summary, body, status, answer, session in _OPERATIONS:
        operation: dict[str, Any] = {
            "summary": summary,
            "operationId": method + path.title().replace("/", "").replace(".", ""),
            "responses": {
                str(status): {"description": "OK", **_answer(answer)},
                "default": {
                    "description": "Fel (RFC 9457)",
                    "content": {"application/problem+json": {"schema": _ref("Problem")}},
                },
            },
        }
        if body:
            operation["requestBody"] = {
                "required": body != "SessionIn",
                "content": {"application/json": {"schema": _ref(body)}},
            }
        if name := _QUERY.get(path):
            operation["parameters"] = [{"name": name, "in": "query", "schema": {"type": "string"}}]
        if session:
            operation["security"] = [{"session": []}]
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kontaktcenters assistent", "version": version()},
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Problem": _PROBLEM},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


async def document(request: web.Request) -> web.Response:
    """GET /api/openapi.json."""
    return web.json_response(
        specification(), dumps=lambda data: json.dumps(data, ensure_ascii=False)
    )


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(answer: str | None) -> dict[str, Any]:
    if answer is None:
        return {}
    if answer == "text":
        return {"content": {"text/plain": {"schema": {"type": "string"}}}}
    schema = {"object": {"type": "object"}, "webhook": _WEBHOOK_OUT}.get(answer) or _ref(answer)
    return {"content": {"application/json": {"schema": schema}}}
