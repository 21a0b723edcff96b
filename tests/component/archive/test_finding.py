"""Archived events are found page by page, however little of what is read is looked for."""

import pytest

from tests.component.archive.vault import Json, Vault
from tests.kit.clock import HandClock

ARCHIVE = "/v1/hub/archive"


async def test_a_page_ends_where_much_was_read_and_the_next_goes_on_there(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks for an id without its partner has all of the archive read: not in one request."""
    monkeypatch.setattr("services.archive.cases.finding.A_PAGE", 260)  # looking into a segment counts as 250
    pages = []
    for _ in range(5):
        pages.append(await vault.keep(*(vault.event() for _ in range(10))))
        clock.pass_by(seconds=1)
    wanted = pages[3][7]
    found: list[list[str]] = []
    asked: Json = {"id": wanted.event["id"]}
    while not found or asked["cursor"] is not None:
        page = await vault.get(ARCHIVE, **asked)
        found.append([each["hubid"] for each in page["events"]])
        asked["cursor"] = page["next_cursor"]
    assert [hubid for page in found for hubid in page] == [wanted.hubid]
    assert len(found) == 5


async def test_every_event_of_a_time_stands_on_exactly_one_page(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.archive.http.routes.FOUND", 7)
    events = [vault.event() for _ in range(21)]
    for start in range(0, 21, 5):
        await vault.keep(*events[start : start + 5])
        await vault.keep(*events[: start + 5])
    sizes, found, asked = list[int](), list[str](), Json()
    while not sizes or asked["cursor"] is not None:
        page = await vault.get(ARCHIVE, **asked)
        sizes.append(len(page["events"]))
        found += [each["hubid"] for each in page["events"]]
        asked["cursor"] = page["next_cursor"]
    assert found == [each.hubid for each in events]
    assert sizes == [7, 7, 7]


async def test_an_event_is_found_by_the_name_that_its_partner_gave_it(vault: Vault, clock: HandClock) -> None:
    first, other = await vault.keep(vault.event(), vault.event(partner="qf"))
    named = {"partner": "coles", "event_id": first.event["id"]}
    assert (await vault.ask("POST", "/internal/archive/named", named)).json() == {"hubid": first.hubid}
    clock.pass_by(days=2)
    again = vault.event()
    again.event["id"] = first.event["id"]
    await vault.keep(again)
    assert (await vault.ask("POST", "/internal/archive/named", named)).json() == {"hubid": again.hubid}
    stranger = named | {"event_id": other.event["id"]}
    assert (await vault.ask("POST", "/internal/archive/named", stranger)).json() == {"hubid": None}
    assert (await vault.ask("POST", "/internal/archive/named", {"partner": 1})).status_code == 422
