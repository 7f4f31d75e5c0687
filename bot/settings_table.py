"""The settings as a Markdown table for docs/installningar.md."""

from bot.settings import Settings


def table() -> str:
    """One row a setting: variable, default, description."""
    rows = ["| Variabel | Standard | Vad den gör |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else str(field.default)
        if name in ("content_dir", "data_dir"):
            default = field.default.name + "/"
        rows.append(f"| `KONTAKT_{name.upper()}` | `{default}` | {field.description} |")
    return "\n".join(rows).replace("| `` |", "| – |")
