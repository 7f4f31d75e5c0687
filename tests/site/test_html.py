"""Every page is valid HTML, says the Nu checker (its version is locked in deploy/html-check)."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from bot.settings import ROOT
from tests.site.conftest import Site
from tests.site.test_pages import PAGES


@pytest.fixture(scope="module")
def checker() -> Path:
    """The Nu HTML checker. Without it the test fails."""
    found = subprocess.run([ROOT / "deploy" / "find-html-check"], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return ROOT / found.stdout.strip()


async def test_every_page_is_valid(site: Site, checker: Path, tmp_path: Path) -> None:
    names = {}
    for number, path in enumerate(PAGES):
        file = tmp_path / f"{number}.html"
        file.write_text(await site.text(path, 404 if path == "/finns-inte" else 200), "utf-8")
        names[file.as_uri().replace("///", "/")] = path
    command = ("java", "-jar", str(checker), "--format", "json", "--stdout", str(tmp_path))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    found = json.loads(said)["messages"]
    assert [(names.get(m["url"]), m["message"], m.get("extract")) for m in found] == []
