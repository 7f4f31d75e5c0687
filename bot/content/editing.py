"""Change one content file so that the content stays whole: try it on a copy, then swap the file.

A name is a path within the content folder, with / between: "faq/overby.md".
"""

import contextlib
import difflib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.content.load import Content, ContentError, Fault, load

NEW = "new"
"""Instead of a digest: the file doesn't exist yet."""
LONGEST_ID = 40
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(
    rf"(?:faq/{_ID.pattern}(?:\.[a-z]{{2,3}})?\.md|pages/{_ID.pattern}\.md|phrases/[a-z]{{2,3}}\.yml"
    r"|(?:kontaktcenter|safety|people|sources|site|intresseanmalan)\.yml)"
)
_KEPT_LINES = 3
"""Unchanged lines around a change."""


class NoSuchFile(Exception):
    """No file of the content has that name."""


class NotWritable(Exception):
    """The content folder can't be written in; the message is the system's."""


@dataclass(frozen=True)
class File:
    """A content file as it is on disk now."""

    name: str
    text: str
    digest: str
    """Of its bytes; NEW if it doesn't exist."""


@dataclass(frozen=True)
class Tried:
    """What a text would do. It may be written if there are no `faults`.

    `content` is the whole content with it, None while something is broken. `elsewhere` was broken
    before already: the text may be written, but nothing of it shows until that is mended.
    """

    content: Content | None
    faults: Sequence[Fault]
    elsewhere: Sequence[Fault]


def names(folder: Path) -> list[str]:
    """The content files there are, in alphabetical order. Links are not followed."""
    root = folder.resolve()
    found = []
    for place in (root, *(root / part for part in ("faq", "pages", "phrases"))):
        if place.is_dir() and not place.is_symlink():
            found += [
                path.relative_to(root).as_posix()
                for path in place.iterdir()
                if path.is_file() and not path.is_symlink()
            ]
    return sorted(name for name in found if _NAME.fullmatch(name))


def read(folder: Path, name: str) -> File:
    """A file as it is now. Raises NoSuchFile, also for any path that isn't one of `names`."""
    if not _NAME.fullmatch(name) or name not in names(folder):
        raise NoSuchFile(name)
    try:
        raw = (folder / name).read_bytes()
    except OSError:
        raise NoSuchFile(name) from None
    text = raw.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    return File(name, text, hashlib.sha256(raw).hexdigest())


def new_entry(folder: Path, entry_id: str, text: str) -> File:
    """A file to be: an answer in Swedish. Raises ValueError with what is wrong with its id."""
    if not _ID.fullmatch(entry_id) or len(entry_id) > LONGEST_ID:
        raise ValueError(
            f"Skriv små bokstäver a–z, siffror och bindestreck, högst {LONGEST_ID} tecken, "
            "t.ex. hundrastgard."
        )
    name = f"faq/{entry_id}.md"
    if (folder / name).exists() or (folder / name).is_symlink():
        raise ValueError(f"{entry_id} finns redan. Välj ett annat id eller ändra det svaret.")
    return File(name, text, NEW)


def template(entry_id: str, title: str, topic: str, owner: str, today: date) -> str:
    """What a new answer begins as. It must be filled in before it can be saved."""
    # a JSON string is a YAML string, whatever it holds
    asked, whose = (json.dumps(one, ensure_ascii=False) for one in (title, owner))
    return (
        f"---\nid: {entry_id}\ntitle: {asked}\ntopic: {topic}\naudience: [invanare, foretag]\n"
        f"related: []\nsource: []\nreviewed: {today}\nowner: {whose}\nkeywords: []\n---\n"
        "\n\n<!-- mer -->\n\n"
    )


def plain(text: str) -> str:
    """A text from a form as it is stored: lines end with \\n, the last one too."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").rstrip("\n") + "\n"


def attempt(folder: Path, name: str, text: str, known: Sequence[Fault]) -> Tried:
    """Read a copy of the content with the text in it. `known` are the faults it has without it."""
    with tempfile.TemporaryDirectory(prefix="kontakt-content-") as place:
        copy = Path(place) / "content"
        shutil.copytree(folder, copy, ignore_dangling_symlinks=True)
        (copy / name).write_text(text, "utf-8", newline="\n")
        try:
            return Tried(load(copy), (), ())
        except ContentError as error:
            before = {(fault.path, fault.message) for fault in known}
            here = f"content/{name}"
            new = [f for f in error.faults if f.path == here or (f.path, f.message) not in before]
            return Tried(None, new, [f for f in error.faults if f not in new])


def write(folder: Path, file: File, text: str) -> None:
    """Swap the file for the text, all of it or nothing. Raises NotWritable.

    The caller has seen that nobody changed it meanwhile.
    """
    path = folder / file.name
    try:
        # in the same folder: only there is a rename one step. Nothing reads files that end with ~
        handle, made = tempfile.mkstemp(prefix=".", suffix="~", dir=path.parent)
    except OSError as error:
        raise NotWritable(error.strerror) from error
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(made, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(made, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(made)
        raise NotWritable(error.strerror) from error


@dataclass(frozen=True)
class Line:
    """A line of a difference. `kind` is added, removed, same or gap; a gap stands for lines that
    are not shown."""

    kind: str
    text: str


def difference(before: str, after: str) -> list[Line]:
    """Line by line, with a few lines around; empty if they are the same."""
    return list(_lines(before.splitlines(), after.splitlines()))


def _lines(before: list[str], after: list[str]) -> Iterator[Line]:
    kinds = {"+": "added", "-": "removed", " ": "same"}
    found = list(difflib.unified_diff(before, after, lineterm="", n=_KEPT_LINES))
    for number, line in enumerate(found[2:]):
        if line.startswith("@@"):
            if number:
                yield Line("gap", "")
        else:
            yield Line(kinds[line[0]], line[1:])
