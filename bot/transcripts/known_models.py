"""Which file a model of Rasa's came from."""

import json
import tarfile
from pathlib import Path

import structlog

log = structlog.get_logger("models")


class KnownModels:
    """The trained models in a folder, by the id that Rasa's events bear."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stems: dict[str, str] = {}
        self._read: set[tuple[str, float]] = set()

    def stem(self, model_id: str) -> str:
        """The stem of the model's file; the id itself if there is no such file (any more)."""
        if model_id and model_id not in self._stems:
            self._look()
        return self._stems.get(model_id, model_id)[:40]

    def _look(self) -> None:
        for path in sorted(self._folder.glob("*.tar.gz")):
            try:
                mark = (path.name, path.stat().st_mtime)
                if mark in self._read:
                    continue
                self._read.add(mark)
                self._stems[_model_id(path)] = path.name.removesuffix(".tar.gz")
            except (OSError, tarfile.TarError, ValueError, KeyError) as error:
                log.warning("model_unreadable", file=path.name, error=type(error).__name__)


def _model_id(path: Path) -> str:
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.lstrip("./") == "metadata.json" and (file := tar.extractfile(member)):
                return str(json.load(file)["model_id"])
    raise KeyError("metadata.json")
