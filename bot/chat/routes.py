"""Every URL of the chat API on one screen."""

from aiohttp import web

from bot.chat import openapi, views

ROUTES = [
    web.post("/api/chat/sessions", views.open_session),
    web.post("/api/chat/messages", views.post_message),
    web.get("/api/chat/messages", views.get_messages, allow_head=False),
    web.get("/api/chat/status", views.get_status, allow_head=False),
    web.get("/api/chat/transcript", views.get_transcript, allow_head=False),
    web.post("/api/chat/feedback", views.post_feedback),
    web.delete("/api/chat/session", views.delete_session),
    web.post("/webhooks/rest/webhook", views.webhook),
    web.get("/api/openapi.json", openapi.document, allow_head=False),
    web.get("/healthz", views.healthz, allow_head=False),
    web.get("/readyz", views.readyz, allow_head=False),
    web.get("/version", views.version, allow_head=False),
]
