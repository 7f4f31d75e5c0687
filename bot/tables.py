"""Markdown tables for docs/, generated from the code and the content they describe."""

from bot.content.load import Content
from bot.settings import Settings


def settings_table() -> str:
    """One row a setting: variable, default, description."""
    rows = ["| Variabel | Standard | Vad den gör |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else str(field.default)
        if name in ("content_dir", "data_dir"):
            default = field.default.name + "/"
        if name == "key_file":
            default = "~/.local/share/kontaktcenter/data.key"
        rows.append(f"| `KONTAKT_{name.upper()}` | `{default}` | {field.description} |")
    return "\n".join(rows).replace("| `` |", "| – |")


def topics_table(content: Content) -> str:
    """One row an FAQ entry, by topic: question, for whom, when it was last checked."""
    who = {"invanare": "invånare", "foretag": "företag"}
    rows = ["| Ämne | Fråga | För | Granskad |", "|---|---|---|---|"]
    for entry in sorted(content.entries.values(), key=lambda e: (e.topic, e.id)):
        readers = ", ".join(who[a] for a in entry.audience)
        link = f"[{entry.title}](../content/faq/{entry.id}.md)"
        rows.append(f"| {entry.topic} | {link} | {readers} | {entry.reviewed} |")
    return "\n".join(rows)
