"""Rasa's REST channel with what the gateway knows of a message beside its text."""

from typing import Any, Dict, Optional, Text

from rasa.core.channels.rest import RestInput
from sanic.request import Request


class GatewayInput(RestInput):
    """As Rasa's own, at the same address; `metadata` of the body comes along."""

    def get_metadata(self, request: Request) -> Optional[Dict[Text, Any]]:
        """The metadata that the gateway sent, None if it isn't an object."""
        found = request.json.get("metadata")
        return found if isinstance(found, dict) else None
