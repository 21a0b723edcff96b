import os
import sys
import time
import uuid
from pathlib import Path

import httpx

URL = Path(os.environ.get("MILESAGA_HOME", ".milesaga"), "http.url").read_text().strip()
GRANT = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "sandbox", "member": "coles-tills"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
LARGEST_BATCH = 500
MAY_BE_REPEATED = {409, 429, 502, 503, 504}


def main(count: str) -> None:
    issued = httpx.post(f"{URL}/sandbox/oauth/token", data=GRANT | {"scope": "events:publish"}).json()
    events = [receipt(amount) for amount in range(2_995, 2_995 + int(count))]
    with httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {issued['access_token']}"}) as hub:
        for first in range(0, len(events), LARGEST_BATCH):
            for result in publish(hub, events[first : first + LARGEST_BATCH]):
                print(result["id"], result["status"])


def receipt(cents: int) -> dict[str, object]:
    event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/coles/tills/7"}
    return event | {"type": "retail.receipt.issued.v1", "data": {"store": "0417", "total": {"amount": cents}}}


def publish(hub: httpx.Client, events: list[dict[str, object]]) -> list[dict[str, str]]:
    """All or none. The same batch may be sent again: what was accepted before is a duplicate."""
    for _ in range(10):
        try:
            answer = hub.post("/v1/events", json=events, headers=BATCH)
        except httpx.TransportError:
            time.sleep(1)
            continue
        if answer.status_code not in MAY_BE_REPEATED:
            answer.raise_for_status()
            return list(answer.json()["results"])
        time.sleep(int(answer.headers.get("Retry-After", 1)))
    raise TimeoutError("not accepted, nor refused: send the same batch again later")


main(*sys.argv[1:])
