"""A request's changes as server-sent events: what is new, once, to its end, whichever process it happened in."""

import asyncio

from tests.component.releases.desk import SCOPES, Desk, Json


async def followed(desk: Desk, request: Json, last: str = "") -> list[str]:
    """The stream of a request that ends."""
    headers = desk.runtime.issuer.bearer("deployer", SCOPES) | ({"Last-Event-ID": last} if last else {})
    answer = await desk.client.get(f"/v1/releases/requests/{request['id']}/events", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [line for line in answer.text.splitlines() if line.startswith(("id:", "data:"))]


async def test_a_request_is_followed_to_its_end(desk: Desk, other: Desk) -> None:
    request = (await desk.ask()).json()
    streams = [asyncio.create_task(followed(each, request)) for each in (desk, other)]
    await desk.decide("sre", request)
    await other.decide("owner", request, "deny", reason="no")
    for lines in await asyncio.wait_for(asyncio.gather(*streams), 20):
        ids = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id:")]
        assert ids == sorted(set(ids)), "what is new, and nothing twice"
        assert '"state":"denied"' in lines[-1]
    assert await followed(desk, request, last=str(ids[-1])) == []


async def test_what_cannot_be_followed_is_refused(desk: Desk) -> None:
    request = (await desk.ask()).json()
    path = f"/requests/{request['id']}/events"
    wrong = await desk.send("deployer", "GET", path, Last_Event_ID="x")
    assert (wrong.status_code, wrong.json()["errors"][0]["header"]) == (422, "Last-Event-ID")
    assert (await desk.send("deployer", "GET", "/requests/nobody/events")).status_code == 404


async def test_a_draining_process_ends_its_streams(desk: Desk) -> None:
    request = (await desk.ask()).json()
    following = asyncio.create_task(followed(desk, request))
    desk.runtime.draining.set()
    lines = await asyncio.wait_for(following, 20)
    assert '"state":"pending"' in lines[-1]
