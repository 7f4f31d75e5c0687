"""The running service and an editor who changes content/ under it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import Resident, Service, until

SECONDS = 5.0  # "within seconds, without restart"


class Editor:
    """Somebody with a text editor; `undo` puts back every file as it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before: dict[str, bytes] = {}

    def write(self, name: str, text: str) -> None:
        """Save a file."""
        path = self.folder / name
        self.before.setdefault(name, path.read_bytes())
        path.write_text(text, "utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        text = (self.folder / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def undo(self) -> None:
        """Put everything back."""
        for name, content in self.before.items():
            (self.folder / name).write_bytes(content)
        self.before.clear()


@pytest.fixture
async def editor(service: Service, http: aiohttp.ClientSession, resident: Resident) -> Any:
    """An editor of the service's own content, who leaves it as it was."""
    at_work = Editor(service.content)
    yield at_work
    at_work.undo()

    async def healed() -> bool:
        answer = await resident.say("vilka öppettider har kontaktcenter?")
        page = await (await http.get("/")).text()
        return not await faults(http) and all("kl. 8.00–16.30" in text for text in (answer, page))

    await until(healed)


async def faults(http: aiohttp.ClientSession) -> list[str]:
    """The content faults that /readyz tells."""
    return list((await (await http.get("/readyz")).json())["content_faults"])


async def silent(http: aiohttp.ClientSession) -> bool:
    """Whether the gateway sees no fault; it reads on its own, maybe after the action server."""
    return not await faults(http)


def logged(service: Service, name: str, event: str) -> Iterator[dict[str, Any]]:
    """The lines of a log with an event."""
    for line in (service.data / "log" / f"{name}.log").read_text("utf-8").splitlines():
        if line.startswith("{") and (entry := json.loads(line)).get("event") == event:
            yield entry


async def test_new_hours_are_answered_within_seconds(
    service: Service, http: aiohttp.ClientSession, resident: Resident, editor: Editor
) -> None:
    processes = service.children("")
    editor.change("kontaktcenter.yml", 'close: "16:30"', 'close: "18:45"')

    async def page_has_it() -> bool:
        return "kl. 8.00–18.45" in await (await http.get("/")).text()

    async def answer_has_it() -> bool:
        return "kl. 8.00–18.45" in await resident.say("vilka öppettider har kontaktcenter?")

    await until(page_has_it, SECONDS)
    await until(answer_has_it, SECONDS)
    assert "kl. 18.45" in await resident.say("vad är kontaktcenters adress?")
    assert service.children("") == processes, "nothing was restarted"


async def test_a_decided_exception_closes_today(
    http: aiohttp.ClientSession, resident: Resident, editor: Editor
) -> None:
    editor.change(
        "kontaktcenter.yml",
        "exceptions: []",
        "exceptions:\n    - date: 2026-11-23\n      closed: true\n      note: planeringsdag",
    )

    async def closed() -> bool:
        page = await (await http.get("/")).text()
        return "Just nu är det stängt" in page

    await until(closed, SECONDS)

    async def said() -> bool:
        return "stängt" in await resident.say("jag vill prata med en människa")

    await until(said, SECONDS)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('close: "16:30"', 'close: "07:30"', r"kontaktcenter\.yml rad \d+: öppettiderna går inte"),
        ("motto:", "mot to", r"kontaktcenter\.yml rad \d+: .*YAML"),
        (
            "exceptions: []",
            "exceptions: [{date: 2026-13-45}]",
            r"yml rad 26: '2026-13-45' är inget",
        ),
    ],
)
async def test_a_broken_edit_keeps_the_last_good_version_and_is_told(
    service: Service,
    http: aiohttp.ClientSession,
    resident: Resident,
    editor: Editor,
    old: str,
    new: str,
    fault: str,
) -> None:
    editor.change("kontaktcenter.yml", old, new)

    async def told() -> bool:
        return any(re.search(fault, text) for text in await faults(http))

    await until(told, SECONDS)
    assert "kl. 8.00–16.30" in await (await http.get("/")).text()
    assert "kl. 8.00–16.30" in await resident.say("vilka öppettider har kontaktcenter?")

    for name in ("gateway", "actions"):

        async def in_the_log(name: str = name) -> bool:
            entries = logged(service, name, "content_broken")
            return any(re.search(fault, entry["fault"]) for entry in entries)

        await until(in_the_log, SECONDS)
    async with http.get("/readyz") as response:
        assert response.status == 200, "old answers are better than none"

    editor.undo()

    async def mended() -> bool:
        return not await faults(http)

    await until(mended, SECONDS)


async def test_a_mended_edit_takes_effect(
    http: aiohttp.ClientSession, resident: Resident, editor: Editor
) -> None:
    broken = "reviewed: 2026-99-99"
    editor.change("faq/telefon.md", "Det är numret till stadens växel.", "Det går till växeln.")
    editor.change("faq/telefon.md", "reviewed: 2026-11-22", broken)

    async def told() -> bool:
        return any("faq/telefon.md rad" in text for text in await faults(http))

    await until(told, SECONDS)
    assert "numret till stadens växel" in await resident.say("vilket telefonnummer har ni?")
    editor.change("faq/telefon.md", broken, "reviewed: 2026-11-23")

    async def healed() -> bool:
        return "Det går till växeln." in await resident.say("vilket telefonnummer har ni?")

    await until(healed, SECONDS)
    await until(lambda: silent(http), SECONDS)


async def test_a_button_to_an_answer_that_is_gone_gives_a_friendly_word(
    service: Service, http: aiohttp.ClientSession, resident: Resident, editor: Editor
) -> None:
    name = "faq/bras-stod.md"
    short = await resident.send(text="vilket ansvar har kommunen för att förebygga brott?")
    more = next(c["id"] for m in short for c in m["choices"] if c["title"] == "Läs mer")
    offered = await resident.send(choice=more)
    titles = [choice["title"] for message in offered for choice in message["choices"]]
    assert "Vilket stöd har Trollhättan fått av Brå?" in titles
    editor.write(name, (service.content / name).read_text("utf-8"))  # remembered for undo
    editor.change("faq/kommunens-ansvar.md", ", bras-stod]", "]")
    (service.content / name).unlink()

    async def gone() -> bool:
        answer = await resident.press(offered, "Vilket stöd har Trollhättan fått av Brå?")
        return "Den texten finns inte längre" in answer

    await until(gone, SECONDS)
    await until(lambda: silent(http), SECONDS)
