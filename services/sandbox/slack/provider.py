"""The chat as one of the providers."""

import json
import sqlite3

from services.sandbox.provider import Beliefs, Provider, StandIn, Surroundings
from services.sandbox.slack import api, page, pressing, workspace
from services.sandbox.slack.interactions import Interactions


class SlackStandIn(StandIn):
    """Goes by the machine's clock: signatures and triggers live for minutes and seconds of those who check them."""

    def __init__(self, around: Surroundings) -> None:
        slack = api.Slack(around.memory, around.faults, around.machine)
        app = around.settings.releases_url or around.settings.public_url
        self._line = Interactions(around.memory, app, around.machine)
        fingers = pressing.Fingers(around.memory, self._line, around.machine)
        self.routers = (
            api.router(slack),
            pressing.router(around.memory, fingers, self._line),
            page.router(around.memory, fingers),
        )

    async def stop(self) -> None:
        await self._line.close()

    def believes(self, connection: sqlite3.Connection) -> Beliefs:
        """One row per message that everybody in the channel sees; `about` is its metadata."""
        found = connection.execute(
            "SELECT channel, ts, revision, body FROM slack_messages WHERE seen_by IS NULL ORDER BY position"
        )
        rows = []
        for channel, ts, revision, body in found:
            message = json.loads(body)
            about = message.get("metadata", {}).get("event_payload", {})
            rows.append({"channel": channel, "ts": ts, "revision": revision, "text": message["text"], "about": about})
        return {"chat": rows}


SLACK = Provider(
    name="slack",
    open=SlackStandIn,
    operations=api.METHODS,
    schema=workspace.SCHEMA,
    emptied=workspace.TABLES,
)
