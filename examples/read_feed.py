import os
import sys
from pathlib import Path

import httpx

URL = Path(os.environ.get("MILESAGA_HOME", ".milesaga"), "http.url").read_text().strip()
GRANT = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "sandbox", "member": "coles-tills"}
FEED = "/v1/hub/feed/history/own"


def main(cursor_file: str) -> None:
    issued = httpx.post(f"{URL}/sandbox/oauth/token", data=GRANT | {"scope": "archive:read"}).json()
    kept = Path(cursor_file)
    with httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {issued['access_token']}"}) as hub:
        while True:
            asked = {"after": kept.read_text()} if kept.exists() else {}
            answer = hub.get(FEED, params=asked | {"limit": "200"}, timeout=40)
            if answer.status_code == httpx.codes.GONE:  # nobody came for so long that some of it is kept no longer
                kept.write_text(answer.json()["oldest"])
                continue
            page = answer.raise_for_status().json()
            for event in page["events"]:
                take(event)
            kept.write_text(page["after"])  # last: after a crash this page comes again
            if not page["more"]:
                return


def take(event: dict[str, object]) -> None:
    """Whatever is done with it must stand to be done twice: `hubid` names the event."""
    print(event["hubid"], event["id"])


main(*sys.argv[1:])
