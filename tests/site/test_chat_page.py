"""The chat page as residents use it: by mouse, by keyboard, by screen reader, on a phone."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Route, expect

from tests.conftest import Service
from tests.site.conftest import LOST, SPACED, Window

OVERBY = "Berätta om samverkan vid Överby"
PHONE = "0520-49 50 00"


async def test_the_page_loads_without_complaints_and_without_other_hosts(window: Window) -> None:
    await expect(window.page).to_have_title(re.compile("kontaktcenter", re.IGNORECASE))
    await expect(window.page.locator("#notice")).to_contain_text("Du skriver med en maskin")
    await expect(window.page.locator(".sos")).to_contain_text("ring 112")
    opening = window.page.locator("#opening")
    await expect(opening).to_have_text("Kontaktcenter är öppet till kl. 16.30.")
    assert await window.page.evaluate("document.documentElement.lang") == "sv"
    # the fixture looks for console errors and requests to others when the test is over


async def test_nothing_is_stored_that_outlives_the_tab(window: Window) -> None:
    await window.ask(OVERBY)
    assert await window.page.context.cookies() == []
    assert await window.page.evaluate("localStorage.length") == 0


async def test_a_question_is_typed_and_sent_with_enter(window: Window) -> None:
    answer = await window.ask("När har kontaktcenter öppet?")
    await expect(window.questions.last).to_contain_text("När har kontaktcenter öppet?")
    await expect(answer).to_contain_text("måndag–fredag kl. 8.00–16.30")
    await expect(window.field).to_be_empty()
    await expect(window.field).to_be_focused()


async def test_shift_enter_makes_a_new_line(window: Window) -> None:
    await window.field.press_sequentially("rad ett")
    await window.field.press("Shift+Enter")
    await window.field.press_sequentially("rad två")
    await expect(window.field).to_have_value("rad ett\nrad två")
    await expect(window.questions).to_have_count(0)


async def test_nothing_is_not_sent(window: Window) -> None:
    await window.page.get_by_role("button", name="Skicka").click()
    await expect(window.page.locator("#hint")).to_have_text("Skriv din fråga först.")
    await expect(window.questions).to_have_count(0)


async def test_too_much_is_not_sent_and_not_lost(window: Window) -> None:
    await window.field.fill("å" * 1001)
    await expect(window.page.locator("#hint")).to_contain_text("Meddelandet är för långt")
    await window.field.press("Enter")
    await expect(window.questions).to_have_count(0)
    await expect(window.field).to_have_value("å" * 1001)


async def test_a_choice_is_pressed(window: Window) -> None:
    answer = await window.press("När har kontaktcenter öppet?")
    await expect(window.questions.last).to_contain_text("När har kontaktcenter öppet?")
    await expect(answer).to_contain_text("måndag–fredag kl. 8.00–16.30")


async def test_a_double_click_is_one_choice(window: Window) -> None:
    button = window.page.get_by_role("button", name="När har kontaktcenter öppet?")
    await button.first.dblclick()
    await expect(window.answers).to_have_count(2)
    await expect(window.questions).to_have_count(1)


async def test_read_more_gives_more(window: Window) -> None:
    await window.ask(OVERBY)
    more = await window.press("Läs mer")
    await expect(more).to_contain_text("Så beskrev staden läget under 2020")
    await expect(more.locator("li").first).to_be_visible()


async def test_an_answer_shows_its_sources_with_dates_and_links(window: Window) -> None:
    answer = await window.ask(OVERBY)
    source = answer.locator(".source")
    await expect(source).to_contain_text(
        "Trollhättan – ett inspirerande exempel, granskad 2022-05-04"
    )
    await expect(source.locator("time").first).to_have_attribute("datetime", "2022-05-04")
    link = source.get_by_role("link").first
    await expect(link).to_have_attribute("href", re.compile(r"^https://www\.trollhattan\.se/"))


async def test_an_answer_can_be_voted_on(window: Window) -> None:
    answer = await window.ask(OVERBY)
    yes = answer.get_by_role("button", name="Ja", exact=True)
    await yes.click()
    await expect(answer.get_by_text("Tack för ditt svar.")).to_be_visible()
    await expect(yes).to_have_attribute("aria-pressed", "true")


async def test_a_vote_takes_a_line_that_is_optional(window: Window) -> None:
    posted: list[dict[str, object]] = []
    window.page.on(
        "request",
        lambda r: posted.append(r.post_data_json or {}) if r.url.endswith("/feedback") else None,
    )
    answer = await window.ask(OVERBY)
    line = answer.get_by_label("Vill du säga något mer?")
    await expect(line).to_be_hidden()
    no = answer.get_by_role("button", name="Nej", exact=True)
    await no.click()
    await line.fill("För kort svar")
    await line.press("Enter")
    await expect(line).to_have_count(0)
    await expect(no).to_be_focused()
    assert [(one["helpful"], one.get("comment")) for one in posted] == [
        (False, None),
        (False, "För kort svar"),
    ]


async def test_a_reload_keeps_the_conversation(window: Window) -> None:
    await window.ask(OVERBY)
    said = await window.page.locator(".bubble").all_inner_texts()
    await window.page.reload()
    await expect(window.page.locator(".bubble")).to_have_count(len(said))
    assert await window.page.locator(".bubble").all_inner_texts() == said
    await expect(window.page.locator("#notice")).to_contain_text("Du skriver med en maskin")
    answer = await window.ask("var ligger det?")
    await expect(answer).to_contain_text("Överby är ett köpcentrum")


async def test_a_button_from_before_a_reload_still_works(window: Window) -> None:
    await window.ask(OVERBY)
    await window.page.reload()
    await expect(window.answers).to_have_count(2)
    await expect(await window.press("Läs mer")).to_contain_text("Så beskrev staden läget")


async def test_erasing_asks_first_and_then_empties(window: Window) -> None:
    await window.ask(OVERBY)
    erase = window.page.get_by_role("button", name="Radera samtalet")
    dialog = window.page.get_by_role("dialog", name="Radera samtalet?")
    await erase.click()
    await expect(dialog).to_contain_text("Det går inte att ångra.")
    await expect(dialog.get_by_role("button", name="Avbryt")).to_be_focused()
    await window.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(window.questions).to_have_count(1)
    await expect(erase).to_be_focused()

    token = await window.page.evaluate("sessionStorage.getItem('chat-session')")
    await erase.click()
    await dialog.get_by_role("button", name="Radera", exact=True).click()
    await expect(window.page.get_by_text("Samtalet är raderat.")).to_be_visible()
    await expect(window.questions).to_have_count(0)
    await expect(window.answers).to_have_count(1)  # a new greeting
    gone = await window.page.request.get(
        f"{window.base}/api/chat/messages", headers={"Authorization": f"Bearer {token}"}
    )
    assert gone.status == 401
    await window.page.reload()
    await expect(window.answers).to_have_count(1)
    await expect(window.page.locator("#log").get_by_text("Överby")).to_have_count(0)


async def test_the_conversation_can_be_downloaded(window: Window, tmp_path: Path) -> None:
    await window.ask(OVERBY)
    async with window.page.expect_download() as waiting:
        await window.page.get_by_role("button", name="Ladda ner samtalet").click()
    download = await waiting.value
    assert re.fullmatch(r"samtal-\d{4}-\d\d-\d\d\.txt", download.suggested_filename)
    await download.save_as(tmp_path / "samtal.txt")
    text = (tmp_path / "samtal.txt").read_text("utf-8")
    assert OVERBY in text
    assert "Vid köpcentret Överby hölls stora bilträffar" in text
    assert "Källa: Trollhättans Stad: Trollhättan – ett inspirerande exempel" in text


async def test_everything_can_be_done_with_the_keyboard(window: Window) -> None:
    press, focused = window.page.keyboard.press, window.page.locator(":focus")
    await press("Tab")
    await expect(focused).to_have_text("Hoppa till samtalet")
    await expect(focused).to_be_in_viewport()
    await press("Enter")
    for _ in range(12):
        await press("Tab")
        if await focused.get_attribute("id") == "text":
            break
    await expect(window.field).to_be_focused()
    await window.page.keyboard.type(OVERBY)
    await press("Enter")
    await expect(window.answers).to_have_count(2)

    await press("Shift+Tab")  # back into the answer: the vote, then the choices
    for _ in range(8):
        if await focused.inner_text() == "Läs mer":
            break
        await press("Shift+Tab")
    await expect(focused).to_have_text("Läs mer")
    await press("Space")
    await expect(window.answers).to_have_count(3)
    # Focus goes to the new answer, so that reading and tabbing go on from there
    await expect(window.answers.nth(2).locator(".who")).to_be_focused()

    for _ in range(30):
        await press("Tab")
        if await focused.get_attribute("id") == "erase":
            break
    await press("Enter")
    await expect(window.page.get_by_role("dialog")).to_be_visible()
    await press("Tab")
    await expect(focused).to_have_text("Radera")
    await press("Enter")
    await expect(window.page.get_by_text("Samtalet är raderat.")).to_be_visible()


async def test_focus_is_always_seen(window: Window) -> None:
    """No control gets focus behind the sticky bars, and each shows a ring."""
    await window.ask(OVERBY)
    await window.page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
    hidden = """() => {
        const at = document.activeElement, box = at.getBoundingClientRect();
        const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        const seen = hit && (at.contains(hit) || hit.contains(at));
        const style = getComputedStyle(at);
        const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
        return at === document.body || (seen && ring) ? "" : at.outerHTML.slice(0, 80);
    }"""
    for _ in range(30):
        await window.page.keyboard.press("Tab")
        assert await window.page.evaluate(hidden) == ""


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
async def test_no_sideways_scrolling(window: Window, width: int) -> None:
    await window.page.set_viewport_size({"width": width, "height": 640})
    await window.ask(OVERBY)
    await window.press("Läs mer")
    await window.ask("a" * 400)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await window.page.evaluate(wide) == 0
    outside = f"""[...document.querySelectorAll("main *, .sos *, .foot *")].filter((node) =>
        !node.closest(".vh, .skip, [hidden]") && node.getBoundingClientRect().right > {width} + 1
    ).map((node) => node.outerHTML.slice(0, 80))"""
    assert await window.page.evaluate(outside) == []


async def test_text_twice_as_big_still_fits(window: Window) -> None:
    await window.page.set_viewport_size({"width": 640, "height": 900})
    await window.page.evaluate("document.documentElement.style.fontSize = '200%'")
    await window.ask(OVERBY)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await window.page.evaluate(wide) == 0


async def test_nothing_is_lost_at_400_percent_or_with_spaced_out_text(window: Window) -> None:
    await window.page.set_viewport_size({"width": 320, "height": 256})  # 1280 × 1024 at 400 %
    await window.ask(OVERBY)
    await window.field.fill("å" * 1001)
    assert await window.page.evaluate(LOST) == []
    await window.field.scroll_into_view_if_needed()
    await expect(window.field).to_be_in_viewport()
    await window.page.evaluate(SPACED)
    assert await window.page.evaluate(LOST) == []


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_reduced_motion_means_none(window: Window, motion: str) -> None:
    async def slow(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await window.page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
    await window.page.route("**/api/chat/messages", slow)
    await window.field.fill(OVERBY)
    await window.field.press("Enter")
    await expect(window.page.locator("#typing")).to_have_text("Assistenten skriver …")
    moving = await window.page.evaluate("document.getAnimations().length")
    assert moving == (0 if motion == "reduce" else 1)
    await expect(window.answers).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing(window: Window, scheme: str, width: int) -> None:
    await window.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await window.page.set_viewport_size({"width": width, "height": 844})
    assert await window.wrong_for_accessibility() == []
    await window.ask(OVERBY)
    await window.press("Läs mer")
    answer = await window.ask("Vilket telefonnummer har kontaktcenter?")
    await answer.get_by_role("button", name="Ja", exact=True).click()
    await expect(answer.get_by_text("Tack för ditt svar.")).to_be_visible()
    await window.ask("det brinner i huset hjälp")
    await window.field.fill("å" * 1001)
    assert await window.wrong_for_accessibility() == []
    await window.page.get_by_role("button", name="Radera samtalet").click()
    assert await window.wrong_for_accessibility() == []


async def test_answers_are_announced_and_named(window: Window) -> None:
    await window.ask(OVERBY)
    log = window.page.get_by_role("log", name="Samtal")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(log.locator(".who")).to_have_text(["Assistenten:", "Du:", "Assistenten:"])


async def test_buttons_are_big_enough_for_a_thumb(window: Window) -> None:
    await window.page.set_viewport_size({"width": 390, "height": 844})
    await window.ask(OVERBY)
    for button in await window.page.get_by_role("button").all():
        box = await button.bounding_box()
        assert box and box["height"] >= 24 and box["width"] >= 24, await button.inner_text()
    for choice in await window.page.locator(".choices button").all():
        box = await choice.bounding_box()
        assert box and box["height"] >= 44


async def test_an_emergency_shows_112_at_once(window: Window) -> None:
    answer = await window.ask("det brinner i trapphuset, hjälp")
    await expect(answer.locator("strong")).to_have_text("Ring 112 nu")
    await expect(answer).to_be_in_viewport()
    call = window.page.locator(".sos").get_by_role("link", name="ring 112")
    await expect(call).to_have_attribute("href", "tel:112")
    await expect(call).to_be_in_viewport()


@pytest.mark.parametrize(
    "evil",
    [
        "<b>hej</b><img src=x onerror=alert(1)>",
        "<script>window.cracked = 1</script>",
        '"><svg onload="window.cracked = 1">',
        "[klicka](javascript:window.cracked=1)",
        "&lt;i&gt; {{ 7 * 7 }}",
    ],
)
async def test_html_in_a_message_stays_text(window: Window, evil: str) -> None:
    await window.ask(evil)
    for _ in range(2):  # as typed, and as kept by the server
        await expect(window.questions.last.locator(".bubble")).to_have_text(evil)
        assert await window.questions.last.locator("b, img, script, svg, a, i").count() == 0
        assert await window.page.evaluate("window.cracked") is None
        await window.page.reload()
        await expect(window.questions).to_have_count(1)


async def test_a_lost_connection_keeps_the_message_and_can_be_tried_again(
    context: BrowserContext, service: Service
) -> None:
    window = await Window(await context.new_page(), service.base).open()
    await context.set_offline(True)
    await window.field.fill("När har kontaktcenter öppet?")
    await window.field.press("Enter")
    retry = window.page.get_by_role("button", name="Försök igen")
    await expect(retry).to_be_visible()
    await expect(window.questions).to_have_count(1)
    await context.set_offline(False)
    await retry.click()
    await expect(window.answers.nth(1)).to_contain_text("måndag–fredag kl. 8.00–16.30")
    await expect(window.questions).to_have_count(1)


async def test_a_conversation_that_has_ended_begins_anew_by_itself(
    context: BrowserContext, service: Service
) -> None:
    window = await Window(await context.new_page(), service.base).open()
    token = await window.page.evaluate("sessionStorage.getItem('chat-session')")
    await window.page.request.delete(
        f"{service.base}/api/chat/session", headers={"Authorization": f"Bearer {token}"}
    )
    answer = await window.press("När har kontaktcenter öppet?")
    await expect(answer).to_contain_text("måndag–fredag kl. 8.00–16.30")


async def test_two_tabs_are_two_conversations(context: BrowserContext, service: Service) -> None:
    first = await Window(await context.new_page(), service.base).open()
    second = await Window(await context.new_page(), service.base).open()
    await first.ask(OVERBY)
    await expect(second.questions).to_have_count(0)


async def test_without_javascript_the_page_still_says_where_to_turn(
    browser: Browser, service: Service
) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="sv-SE")
    page = await context.new_page()
    await page.goto(service.base)
    box = page.locator("noscript .box")
    for text in (PHONE, "Gärdhemsvägen 9, 461 83 Trollhättan", "måndag–fredag kl. 8.00–16.30"):
        await expect(box).to_contain_text(text)
    await expect(box.get_by_role("link", name=PHONE)).to_have_attribute("href", "tel:+46520495000")
    for title, number in (("ring 112", "tel:112"), ("ring 114 14", "tel:11414")):
        await expect(box.get_by_role("link", name=title)).to_have_attribute("href", number)
    await expect(page.locator("#chat")).to_be_hidden()
    await context.close()


async def test_the_page_carries_the_facts_for_search_and_print(
    service: Service, window: Window
) -> None:
    foot = window.page.locator(".foot")
    for text in (PHONE, "Gärdhemsvägen 9", "måndag–fredag kl. 8.00–16.30", "114 14"):
        await expect(foot).to_contain_text(text)
    await expect(foot).to_contain_text("Just nu är det öppet, till kl. 16.30.")


async def test_the_page_allows_no_foreign_code(window: Window) -> None:
    response = await window.page.request.get(window.base)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    html = await response.text()
    assert not re.search(r"\son\w+=|<script(?![^>]*\ssrc=)|\sstyle=", html)


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [("chatt-telefon.png", 390, 844), ("chatt-dator.png", 1280, 900)],
)
async def test_it_looks_right(window: Window, name: str, width: int, height: int) -> None:
    """With KONTAKT_SCREENSHOTS=1: the pictures for docs/."""
    await window.page.set_viewport_size({"width": width, "height": height})
    await window.ask("När har ni öppet?")
    sizes = await window.page.evaluate(
        "[...document.querySelectorAll('.bubble')].map((node) => node.clientWidth)"
    )
    assert max(sizes) <= min(width, 720), json.dumps(sizes)
    await window.questions.last.scroll_into_view_if_needed()
    await window.picture(name)
