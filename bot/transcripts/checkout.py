"""The project as a git checkout: what promoted phrases have changed there, and a commit of it."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.transcripts.phrases import TRAINED

NLU = "/".join(TRAINED)
MESSAGE = "Träningsfraser från granskade samtal"
AUTHOR = ("-c", "user.name=Kontaktcenters assistent", "-c", "user.email=assistent@localhost")
_SECONDS = 30
_HEAD = re.compile(r"- intent: faq|  metadata:|    entry: [a-z0-9-]+|  examples: \|")


class GitFailed(Exception):
    """git didn't do it; the message is what it said."""


@dataclass(frozen=True)
class Unsaved:
    """What git doesn't have yet in data/nlu."""

    diff: str
    added: int
    removed: int
    own: bool
    """Whether it is nothing but phrases that were promoted or taken back here."""


async def unsaved(root: Path, texts: Iterable[str]) -> Unsaved | None:
    """The difference to the last commit; None if there is none, or no checkout.

    `texts` are the phrases that staff have approved.
    """
    try:
        if await _git(root, "rev-parse", "--is-inside-work-tree") != "true\n":
            return None
        diff = await _git(root, "diff", "HEAD", "--no-color", "--no-ext-diff", "--", NLU)
    except (GitFailed, OSError):
        return None
    if not diff.strip():
        return None
    lines = diff.splitlines()
    plus = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++ ")]
    minus = [line[1:] for line in lines if line.startswith("-") and not line.startswith("--- ")]
    known = {f"- {text}" for text in texts}
    own = all(line.strip() in known or _HEAD.fullmatch(line) for line in plus + minus)
    return Unsaved(diff, len(plus), len(minus), own)


async def commit(root: Path) -> str:
    """Commit the changed files of data/nlu and nothing else; the commit's short name.

    Names no person: who approved what is in the audit log. Raises GitFailed.
    """
    names = (await _git(root, "diff", "HEAD", "--name-only", "-z", "--", NLU)).split("\0")
    files = [name for name in names if name]
    await _git(root, *AUTHOR, "-c", "commit.gpgsign=false", "commit", "--quiet", "--only",
               "--message", MESSAGE, "--", *files)  # fmt: skip
    return (await _git(root, "rev-parse", "--short", "HEAD")).strip()


async def _git(root: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "git", "-C", str(root), *arguments, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        said, complaint = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError:
        process.kill()
        raise GitFailed("git svarade inte") from None
    if process.returncode != 0:
        raise GitFailed(complaint.decode("utf-8", "replace").strip()[-300:])
    return said.decode("utf-8", "replace")
