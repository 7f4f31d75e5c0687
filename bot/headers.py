"""Security headers, and who else may use the chat from their own pages."""

from aiohttp import web
from aiohttp.typedefs import LooseHeaders

from bot.settings import Settings

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
)
HEADERS = {
    "Content-Security-Policy": _POLICY + "'self'",
    "X-Content-Type-Options": "nosniff",
    # not no-referrer: browsers would send Origin: null along with our own forms (Fetch, 3.2)
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SHARED = ("/api/chat/", "/static/kontakt-chat")
"""What the sites of the setting `embed_origins` may ask for: the chat and the widget's files."""


def is_preflight(request: web.Request, conf: Settings) -> bool:
    """Whether a browser asks, for an embedding site, if it may call the chat."""
    return (
        request.method == "OPTIONS"
        and "Access-Control-Request-Method" in request.headers
        and request.path.startswith(SHARED)
        and request.headers.get("Origin") in conf.embedders
    )


def preflight() -> web.Response:
    """Yes, it may. Never with credentials: the chat's token travels in a header of its own."""
    allowed: LooseHeaders = {
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": "7200",
    }
    return web.Response(status=204, headers=allowed)


def protect(request: web.Request, response: web.StreamResponse, conf: Settings) -> None:
    """Add what is missing; a page may have set stricter ones itself."""
    shared = bool(conf.embedders) and request.path.startswith(SHARED)
    if shared:
        response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if origin in conf.embedders:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-ID"
    if conf.embedders:
        policy = " ".join((_POLICY + "'self'", *conf.embedders))
        response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if behind_tls(request, conf):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"


def behind_tls(request: web.Request, conf: Settings) -> bool:
    """Whether the visitor's browser came with https."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").rsplit(",", 1)[-1].strip()
    return request.secure or (conf.behind_proxy and forwarded.lower() == "https")
