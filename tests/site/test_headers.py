"""What browsers are told about the pages, and which other sites may use the chat."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.headers import HEADERS
from bot.settings import Settings
from tests.site.conftest import Site, serving

CITY, OTHER = "https://www.staden.example.se", "https://ond.example.se"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


async def headers(site: Site, path: str, method: str = "GET", **sent: str) -> dict[str, str]:
    """The headers of an answer."""
    async with site.http.request(method, path, headers=sent) as response:
        return {**response.headers, "status": str(response.status)}


@pytest.mark.parametrize(
    "path",
    ["/", "/fragor/overby", "/sok?q=a", "/chatt", "/api/search?q=a", "/static/site.css", "/x"],
)
async def test_every_answer_is_protected(site: Site, path: str) -> None:
    told = await headers(site, path, Origin=OTHER)
    assert HEADERS.items() <= told.items()
    assert "unsafe" not in told["Content-Security-Policy"]
    assert not [name for name in told if name.startswith("Access-Control-")]
    assert "Strict-Transport-Security" not in told


async def test_https_is_remembered_only_behind_a_proxy_of_ours(tmp_path: Path, site: Site) -> None:
    name = "Strict-Transport-Security"
    assert name not in await headers(site, "/", **{"X-Forwarded-Proto": "https"})
    async with serving(tmp_path, behind_proxy=True) as behind:
        assert name in await headers(behind, "/", **{"X-Forwarded-Proto": "https"})
        assert name in await headers(behind, "/static/site.css", **{"X-Forwarded-Proto": "https"})
        assert name not in await headers(behind, "/", **{"X-Forwarded-Proto": "http"})
        assert name not in await headers(behind, "/", **{"X-Forwarded-Proto": "https, http"})


async def test_nobody_else_may_use_the_chat_unless_named(site: Site) -> None:
    asked = await headers(site, "/api/chat/sessions", "OPTIONS", Origin=CITY, **PREFLIGHT)
    assert asked["status"] == "405" and "Access-Control-Allow-Origin" not in asked


async def test_a_named_site_may_use_the_chat_and_show_it(tmp_path: Path) -> None:
    async with serving(tmp_path, embed_origins=f"{CITY}, http://localhost:8000") as site:
        for origin in (CITY, "http://localhost:8000"):
            asked = await headers(site, "/api/chat/messages", "OPTIONS", Origin=origin, **PREFLIGHT)
            assert asked["status"] == "204"
            assert asked["Access-Control-Allow-Origin"] == origin
            assert asked["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
            assert "DELETE" in asked["Access-Control-Allow-Methods"]
            assert "Access-Control-Allow-Credentials" not in asked
        answered = await headers(site, "/api/chat/sessions", "POST", Origin=CITY)
        assert answered["status"] == "201"
        assert answered["Access-Control-Allow-Origin"] == CITY and "Origin" in answered["Vary"]
        assert "Retry-After" in answered["Access-Control-Expose-Headers"]
        refused = await headers(site, "/api/chat/messages", Origin=CITY)  # errors can be read too
        assert refused["status"] == "401" and refused["Access-Control-Allow-Origin"] == CITY
        policy = (await headers(site, "/"))["Content-Security-Policy"]
        assert policy.endswith(f"frame-ancestors 'self' {CITY} http://localhost:8000")
        widget = await headers(site, "/static/kontakt-chat.js", Origin=CITY)
        assert widget["Access-Control-Allow-Origin"] == CITY
        assert widget["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_all_others_are_still_shut_out(tmp_path: Path) -> None:
    async with serving(tmp_path, embed_origins=CITY) as site:
        for origin in (OTHER, "null", f"{CITY}.ond.example.se", CITY.upper(), ""):
            asked = await headers(site, "/api/chat/messages", "OPTIONS", Origin=origin, **PREFLIGHT)
            assert asked["status"] == "405" and "Access-Control-Allow-Origin" not in asked
            answered = await headers(site, "/api/chat/sessions", "POST", Origin=origin)
            assert "Access-Control-Allow-Origin" not in answered and answered["Vary"] == "Origin"
        for path in ("/", "/api/search?q=a", "/webhooks/rest/webhook", "/personal/logga-in"):
            told = await headers(site, path, Origin=CITY)
            assert "Access-Control-Allow-Origin" not in told
            assert told["Cross-Origin-Resource-Policy"] == "same-origin"
        staff = await headers(site, "/personal/logga-in")
        assert "frame-ancestors 'none'" in staff["Content-Security-Policy"]


@pytest.mark.parametrize(
    "value", ["*", "www.staden.se", "https://staden.se/", "https://*.staden.se", "https://a b;c"]
)
def test_a_setting_that_is_no_origin_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="ingen webbplats"):
        Settings(embed_origins=value)
