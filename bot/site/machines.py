"""What programs read: search as JSON, the map of the site, rules for robots, static files."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from xml.etree import ElementTree as ET

from aiohttp import web

from bot.caching import takes_gzip, unchanged
from bot.chat.messages import SearchHitOut, SearchOut
from bot.content.load import Content
from bot.keys import ASSETS, CONTENT, SEARCH, SETTINGS
from bot.site.search import MOST_LETTERS
from bot.site.views import LISTS
from bot.staff.sessions import PATH as STAFF

_SITEMAP, _XHTML = "http://www.sitemaps.org/schemas/sitemap/0.9", "http://www.w3.org/1999/xhtml"

A_WHILE = {"Cache-Control": "public, max-age=300"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


async def search(request: web.Request) -> web.Response:
    """GET /api/search?q=: the same as /sok, for the page's script."""
    query = request.query.get("q", "")[:MOST_LETTERS]
    hits = [SearchHitOut(**asdict(hit)) for hit in request.app[SEARCH].find(query)]
    found = SearchOut(results=hits)
    return web.Response(body=found.model_dump_json().encode(), content_type="application/json")


async def sitemap(request: web.Request) -> web.Response:
    """GET /sitemap.xml."""
    base = request.app[SETTINGS].public_base
    ET.register_namespace("", _SITEMAP)
    ET.register_namespace("xhtml", _XHTML)
    root = ET.Element(f"{{{_SITEMAP}}}urlset")
    for path, changed, twins in _pages(request.app[CONTENT].content):
        url = ET.SubElement(root, f"{{{_SITEMAP}}}url")
        ET.SubElement(url, f"{{{_SITEMAP}}}loc").text = base + path
        if changed:
            ET.SubElement(url, f"{{{_SITEMAP}}}lastmod").text = changed.isoformat()
        for lang, twin in twins.items():
            attributes = {"rel": "alternate", "hreflang": lang, "href": base + twin}
            ET.SubElement(url, f"{{{_XHTML}}}link", attributes)
    body = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return web.Response(body=body, content_type="application/xml", charset="utf-8", headers=A_WHILE)


async def robots(request: web.Request) -> web.Response:
    """GET /robots.txt."""
    closed = ("/api/", "/webhooks/", "/chatt", "/sok", STAFF)
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    lines += ["", f"Sitemap: {request.app[SETTINGS].public_base}/sitemap.xml"]
    return web.Response(text="\n".join(lines) + "\n", headers=A_WHILE)


async def static(request: web.Request) -> web.Response:
    """GET /static/<name>: for ever if the address tells the content, else for a while."""
    asset = request.app[ASSETS].find(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    packed = takes_gzip(request)
    tag = f'"{asset.tag}-gz"' if packed else f'"{asset.tag}"'
    kept = FOREVER if request.query.get("v") == asset.tag else A_WHILE
    headers = {**kept, "Vary": "Accept-Encoding", "ETag": tag}
    if unchanged(request, tag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = asset.kind
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=asset.packed if packed else asset.body, headers=headers)


def _pages(content: Content) -> Iterator[tuple[str, date | None, dict[str, str]]]:
    """Path, date of the last change and the same page in other languages."""
    yield "/", None, {}
    for path in LISTS.values():
        yield path, None, LISTS
    for page in content.pages.values():
        yield f"/{page.id}", page.reviewed, {}
    for entry in content.entries.values():
        one = content.translations.get(("en", entry.id))
        paths = {lang: f"{path}/{entry.id}" for lang, path in LISTS.items()}
        yield paths["sv"], entry.reviewed, paths if one else {}
        if one:
            yield paths["en"], one.translated, paths
