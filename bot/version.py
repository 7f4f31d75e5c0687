"""Which version answers."""

import tomllib

from bot.rasa_project import MODELS, running
from bot.settings import ROOT, settings


def version() -> str:
    """The version in pyproject.toml."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(data["project"]["version"])


def version_info() -> dict[str, str | None]:
    """Version of the code and name of the model that answers, None when there is none."""
    models = sorted(MODELS.glob("kontakt-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    model = running(settings()) or next(reversed(models), None)
    return {"version": version(), "model": model.name.removesuffix(".tar.gz") if model else None}
