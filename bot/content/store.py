"""The content in force: reloaded when a file changes, the last good version kept on a fault."""

import threading
from pathlib import Path

import structlog
from watchfiles import watch

from bot.content.load import Content, ContentError, Fault, load

log = structlog.get_logger("content")


class ContentStore:
    """Holds the content of a folder. Reading `content` is safe from any thread."""

    def __init__(self, folder: Path) -> None:
        """Load the folder. Raises ContentError: a service must not start on broken content."""
        self.folder = folder
        self._content = load(folder)
        self.faults: list[Fault] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def content(self) -> Content:
        """The newest content that was whole."""
        return self._content

    def reload(self) -> bool:
        """Read the folder again. False if it is broken; then `faults` says why."""
        try:
            content = load(self.folder)
        except ContentError as error:
            self.faults = error.faults
            for fault in error.faults:
                log.error("content_broken", fault=str(fault), kept="last good version")
            return False
        self._content, self.faults = content, []
        log.info("content_loaded", entries=len(content.entries))
        return True

    def start(self) -> None:
        """Watch the folder from a thread until stop()."""
        self._thread = threading.Thread(target=self._watch, daemon=True, name="content")
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    def _watch(self) -> None:
        # poll_delay/debounce: an editor that saves three files gives one reload
        for _ in watch(self.folder, stop_event=self._stop, debounce=400, rust_timeout=1000):
            try:
                self.reload()
            except Exception as error:  # this thread must live on to see the next edit
                log.exception("content_broken", kept="last good version")
                self.faults = [Fault(str(self.folder), 0, f"går inte att läsa: {error}")]
