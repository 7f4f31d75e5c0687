"""The site's style sheets and scripts, under addresses that tell their content."""

import gzip
import hashlib
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

PATH = "/static"


@dataclass(frozen=True)
class Asset:
    """One file; `tag` tells its content, `stamp` when it was read."""

    body: bytes
    packed: bytes
    """The same with gzip."""
    kind: str
    tag: str
    stamp: tuple[int, int]


class Assets:
    """The files of a folder, each read again when it changes on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Asset] = {}

    def find(self, name: str) -> Asset | None:
        """A file, None if there is none of that name. `name` has no slashes."""
        path = self._folder / name
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            known = self._known.get(name)
            if known is None or known.stamp != stamp:
                self._known[name] = known = _asset(path.read_bytes(), name, stamp)
            return known
        except OSError:
            return None

    def address(self, name: str) -> str:
        """Where a page finds a file, in this version. Raises KeyError if there is no such file."""
        asset = self.find(name)
        if asset is None:
            raise KeyError(name)
        return f"{PATH}/{name}?v={asset.tag}"


def _asset(body: bytes, name: str, stamp: tuple[int, int]) -> Asset:
    kind = guess_type(name)[0] or "application/octet-stream"
    shown = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    tag = hashlib.blake2s(body, digest_size=6).hexdigest()
    return Asset(body, gzip.compress(body, 9, mtime=0), shown, tag, stamp)
