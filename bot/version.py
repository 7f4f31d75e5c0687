"""Which version answers."""

import tomllib

from bot.rasa_project import MODELS
from bot.settings import ROOT


def version() -> str:
    """The version in pyproject.toml."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(data["project"]["version"])


def version_info() -> dict[str, str | None]:
    """Version of the code and name of the trained model, None when there is none."""
    models = sorted(MODELS.glob("kontakt-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    return {
        "version": version(),
        "model": models[-1].name.removesuffix(".tar.gz") if models else None,
    }
