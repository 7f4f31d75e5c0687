"""How pages travel: packed where that gives nothing away, and not at all where nothing is new."""

import hashlib
import re

from aiohttp import web

SMALLEST = 1_000  # bytes; less isn't worth packing
_KINDS = {"text/html", "text/plain", "application/xml"}


def thrifty(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """A public page with an ETag and, where the browser takes it, gzip; 304 if it has it already.

    Whatever is marked no-store is left as it is: it is somebody's conversation or a staff page, and
    the length of packed text could tell an eavesdropper a token in it (BREACH). What is left holds
    no secret: it is the same for everybody who asks for that address.
    """
    if not _public(request, response):
        return response
    assert isinstance(response, web.Response) and isinstance(response.body, bytes)
    tag = f'W/"{hashlib.blake2s(response.body, digest_size=12).hexdigest()}"'
    response.headers["ETag"] = tag
    response.headers.add("Vary", "Accept-Encoding")
    if unchanged(request, tag):
        kept = response.headers.copy()
        for name in ("Content-Type", "Content-Length"):
            kept.popall(name, None)
        return web.Response(status=304, headers=kept)
    if len(response.body) >= SMALLEST and takes_gzip(request):
        response.enable_compression(web.ContentCoding.gzip)
    return response


def _public(request: web.Request, response: web.StreamResponse) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and isinstance(response, web.Response)
        and response.status == 200
        and response.content_type in _KINDS
        and isinstance(response.body, bytes)
        and "no-store" not in response.headers.get("Cache-Control", "")
        and not response.cookies
    )


def takes_gzip(request: web.Request) -> bool:
    """Whether the browser reads gzip (RFC 9110, 12.5.3)."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False


def unchanged(request: web.Request, tag: str) -> bool:
    """Whether the browser has this very version, by the weak comparison of If-None-Match."""
    bare = tag.removeprefix("W/").strip('"')
    return any(one.value in (bare, "*") for one in request.if_none_match or ())
