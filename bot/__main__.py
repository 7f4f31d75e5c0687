"""The command line: python -m bot <command>."""

import argparse
import sys
from datetime import date

from bot.settings import settings


def main() -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bot", description="Kontaktcenters assistent.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="kommando")
    run = commands.add_parser("run", help="starta allt och håll det igång")
    run.add_argument("--no-browser", action="store_true", help="öppna ingen webbläsare")
    commands.add_parser("gateway", help="bara webbservern")
    train = commands.add_parser("train", help="träna modellen om något har ändrats")
    train.add_argument("--force", action="store_true", help="träna ändå")
    commands.add_parser("check", help="granska innehåll och träningsdata")
    commands.add_parser("chat", help="prata med assistenten i terminalen")
    commands.add_parser("settings", help="skriv ut tabellen över inställningar")
    commands.add_parser("topics", help="skriv ut tabellen över alla svar")
    commands.add_parser("key", help="skriv ut en ny nyckel för personuppgifter")
    user = commands.add_parser("user", help="konton på personalsidorna")
    users = user.add_subparsers(dest="action", required=True, metavar="vad")
    new = users.add_parser("add", help="lägg till någon; den första blir administratör")
    new.add_argument("name", metavar="namn")
    new.add_argument("--role", metavar="roll", help="läsare, redaktör eller administratör")
    told = "loggar in med kommunens inloggning, utan lösenord här"
    new.add_argument("--sso", action="store_true", help=told)
    users.add_parser("list", help="visa alla, med roll")
    users.add_parser("remove", help="ta bort någon").add_argument("name", metavar="namn")
    change = users.add_parser("role", help="ge någon en annan roll")
    change.add_argument("name", metavar="namn")
    change.add_argument("role", metavar="roll", help="läsare, redaktör eller administratör")
    told = "ge någon ett nytt lösenord"
    users.add_parser("password", help=told).add_argument("name", metavar="namn")
    told = "stäng av någons engångskoder, när telefonen är borta"
    users.add_parser("reset-codes", help=told).add_argument("name", metavar="namn")
    log = commands.add_parser("audit", help="loggen över vad personalen har gjort")
    logs = log.add_subparsers(dest="action", required=True, metavar="vad")
    logs.add_parser("verify", help="kontrollera att ingen har ändrat i den")
    newest = logs.add_parser("list", help="visa de senaste raderna")
    newest.add_argument("-n", type=int, default=50, metavar="antal", help="hur många, annars 50")
    retain = commands.add_parser("retain", help="radera det som har blivit för gammalt")
    retain.add_argument("--dry-run", action="store_true", help="säg bara vad som skulle raderas")
    measure = commands.add_parser("eval", help="mät hur väl meddelanden förstås")
    told = "jämför med Rasas standard: nej, om den redan är tränad, ja"
    measure.add_argument("--baseline", choices=["no", "kept", "yes"], default="kept", help=told)
    args = parser.parse_args()
    # imported when needed: `bot chat` shouldn't wait for a database library
    if args.command == "run":
        from bot.processes import run as start

        return start(settings(), open_browser=not args.no_browser)
    if args.command == "gateway":
        from bot.gateway import serve

        return serve(settings())
    if args.command == "train":
        from bot import rasa_project

        try:
            print(rasa_project.train(force=args.force))
        except rasa_project.TrainingFailed as error:
            print(f"Träningen misslyckades:\n{error}", file=sys.stderr)
            return 1
        return 0
    if args.command == "eval":
        from bot import rasa_project

        return rasa_project.evaluate(settings(), args.baseline)
    if args.command == "check":
        from bot.check import check

        return check(settings().content_dir, date.today())
    if args.command == "chat":
        from bot.terminal import chat

        return chat(settings())
    if args.command == "key":
        from bot.store.vault import new_key

        print(new_key())
        return 0
    if args.command == "retain":
        from bot.transcripts.commands import retain as erase_due

        return erase_due(settings(), args.dry_run)
    if args.command == "user":
        from bot.staff import commands as staff

        return staff.user(settings(), args)
    if args.command == "audit":
        from bot.staff import commands as staff

        if args.action == "verify":
            return staff.verify(settings())
        return staff.newest(settings(), args.n)
    from bot.content.load import load
    from bot.tables import settings_table, topics_table

    topics = args.command == "topics"
    print(topics_table(load(settings().content_dir)) if topics else settings_table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
