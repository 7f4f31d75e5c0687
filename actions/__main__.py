"""The action server: `python -m actions`. Listens on loopback only."""

import logging

from rasa_sdk.endpoint import create_app
from rasa_sdk.executor import ActionExecutor

import actions.conversation as conversation
import actions.participation as participation
from actions.answers import store
from bot.logs import configure
from bot.settings import settings


def main() -> None:
    """Serve until stopped."""
    configure("actions")
    store.start()
    executor = ActionExecutor()
    executor.register_package(conversation)
    executor.register_package(participation)
    logging.getLogger("rasa_sdk").setLevel(logging.WARNING)
    app = create_app(executor)
    app.config.ACCESS_LOG = False
    # rasa-sdk's own runner binds 0.0.0.0; nobody but Rasa on this machine may reach us
    app.run(
        host="127.0.0.1",
        port=settings().actions_port,
        single_process=True,
        motd=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
