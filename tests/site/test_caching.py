"""What browsers may keep, and what travels packed."""

import gzip
import re
from pathlib import Path

import pytest
from multidict import CIMultiDict

from bot.site.assets import Assets
from bot.site.machines import A_WHILE, FOREVER
from tests.site.conftest import Site

# what aiohttp's client does by itself would hide what is sent
RAW = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "br;q=1.0, gzip;q=0.8"}


async def get(site: Site, path: str, **sent: str) -> tuple[int, CIMultiDict[str], bytes]:
    """Status, headers (several of a name as one) and the body as it travels."""
    async with site.http.get(path, headers=sent, auto_decompress=False) as response:
        names = set(map(str.lower, response.headers))
        told = CIMultiDict((name, ", ".join(response.headers.getall(name))) for name in names)
        return response.status, told, await response.read()


async def test_files_of_a_page_may_be_kept_for_ever(site: Site) -> None:
    page = await site.text("/")
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+\?v=[^"]+)"', page)
    assert len(addresses) == 4  # three style sheets and the script
    for address in addresses:
        _, told, _ = await get(site, address, **RAW)
        assert (
            told["Cache-Control"] == FOREVER["Cache-Control"]
            and "charset=utf-8" in told["Content-Type"]
        )
        for other in (address.partition("?")[0], f"{address}x"):  # not this version: a while only
            _, told, _ = await get(site, other, **RAW)
            assert told["Cache-Control"] == A_WHILE["Cache-Control"]


def test_a_changed_file_has_another_address(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    assets = Assets(tmp_path)
    before = assets.address("a.css")
    (tmp_path / "a.css").write_text("a { color: red }")
    assert before != assets.address("a.css") and "?v=" in before
    with pytest.raises(KeyError):
        assets.address("b.css")


@pytest.mark.parametrize("path", ["/static/kontakt-chat.js", "/", "/fragor/overby", "/sitemap.xml"])
async def test_what_is_the_same_for_everybody_travels_packed(site: Site, path: str) -> None:
    _, plain, body = await get(site, path, **RAW)
    _, packed, less = await get(site, path, **GZIP)
    assert packed["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain
    assert gzip.decompress(less) == body and len(less) < len(body) * 0.6
    for told in (plain, packed):
        assert "Accept-Encoding" in told["Vary"]
    for refusing in ("gzip;q=0", "deflate, br", ""):
        assert (await get(site, path, **{"Accept-Encoding": refusing}))[2] == body


@pytest.mark.parametrize("path", ["/static/site.css", "/", "/en/questions", "/robots.txt", "/om"])
async def test_what_is_not_new_is_not_sent_again(site: Site, path: str) -> None:
    for asked in (RAW, GZIP):
        status, told, _ = await get(site, path, **asked)
        assert status == 200
        again, known, body = await get(site, path, **asked, **{"If-None-Match": told["ETag"]})
        assert (again, body) == (304, b"") and known["ETag"] == told["ETag"]
        assert known["Cache-Control"] == told["Cache-Control"] and "Vary" in known
        assert "Content-Security-Policy" in known
        status, _, body = await get(site, path, **asked, **{"If-None-Match": '"annan"'})
        assert status == 200 and body


async def test_a_page_is_asked_for_again_each_time(site: Site) -> None:
    """It says whether kontaktcenter is open, and edits are to be seen within seconds."""
    for path in ("/", "/fragor", "/sok?q=tips", "/om"):
        assert (await get(site, path, **RAW))[1]["Cache-Control"] == "no-cache"


async def test_a_conversation_is_neither_kept_nor_packed(site: Site) -> None:
    """The length of packed text could tell somebody who listens a secret in it (BREACH)."""
    async with site.http.post("/chatt", data={"text": "Var ligger kontaktcenter?"}) as response:
        assert response.status == 200
    for path in ("/chatt", "/chatt/samtal.txt", "/personal/logga-in", "/api/search?q=tips"):
        status, told, body = await get(site, path, **GZIP)
        assert status == 200 and body
        assert told["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in told and "ETag" not in told
    async with site.http.post("/api/chat/sessions", headers=GZIP) as response:
        assert "Content-Encoding" not in response.headers
    site.http.cookie_jar.clear()


async def test_files_that_are_not_there_are_not_found(site: Site) -> None:
    for name in ("finns-inte.css", "..%2Froutes.py", "a" * 5000 + ".css", ""):
        async with site.http.get(f"/static/{name}") as response:
            assert response.status == 404
