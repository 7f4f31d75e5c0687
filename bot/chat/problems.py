"""Errors as RFC 9457 problem+json, in Swedish and English, with the request's id."""

import json

from aiohttp import web

TITLES = {
    400: ("Det gick inte att läsa anropet", "The request could not be read"),
    401: ("Samtalet finns inte längre", "The session is unknown or has ended"),
    403: ("Det är inte tillåtet", "Not allowed"),
    404: ("Sidan finns inte", "Not found"),
    405: ("Det går inte att göra så här", "Method not allowed"),
    413: ("Meddelandet är för stort", "Payload too large"),
    415: ("Skicka JSON", "Send JSON"),
    422: ("Meddelandet går inte att använda", "The message cannot be used"),
    429: ("Lite för snabbt", "Too many requests"),
    500: ("Något gick fel hos oss", "Internal error"),
    503: ("Tjänsten är inte redo", "Service not ready"),
}


class Problem(Exception):
    """Raised in a view, answered by the middleware."""

    def __init__(
        self, status: int, detail: str, detail_en: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail_en)
        self.status, self.detail, self.detail_en = status, detail, detail_en
        self.headers = headers or {}


def problem_response(problem: Problem, request_id: str) -> web.Response:
    """The problem as a response."""
    title, title_en = TITLES.get(problem.status, TITLES[400 if problem.status < 500 else 500])
    body = {
        "type": "about:blank",
        "title": title,
        "title_en": title_en,
        "status": problem.status,
        "detail": problem.detail,
        "detail_en": problem.detail_en,
        "request_id": request_id,
    }
    return web.Response(
        status=problem.status,
        body=json.dumps(body, ensure_ascii=False).encode(),
        content_type="application/problem+json",
        headers=problem.headers,
    )
