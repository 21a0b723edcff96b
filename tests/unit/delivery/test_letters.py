"""Dead letters of a target: what can be sent once more, and under which name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.delivery.domain.letters import copy_of, new_name, reborn, settled
from shared.bus.arrival import OUR_OWN, Arrival
from shared.bus.dead_letters import DeadLetter
from shared.bus.headers import ATTEMPTS, EXCEPTION, FIRST_FAILED_AT, REDRIVEN_AT, moment
from shared.contracts.copies import Copy, delivery_id

NOW = datetime(2027, 1, 20, 10, tzinfo=UTC)
HUBID = "0198c0de-0000-7000-8000-000000000001"
COPY = Copy(
    hubid=HUBID,
    accepted_at=NOW - timedelta(days=2),
    partner="coles",
    bus="fuel",
    target="bi",
    rule="all",
    deliveryid=delivery_id(HUBID, "fuel", "bi"),
    attributes={"specversion": "1.0", "id": "4711", "source": "/x", "type": "a.b.v1"},
    body=b'{"n":1}',
)
REPLAYED = replace(COPY, replayid="0198c0de-1111-7000-8000-000000000001")


def letter(copy: Copy = COPY, handle: str = "4f2a90c1d7be", reason: str = "refused_by_receiver") -> DeadLetter:
    headers = {**copy.headers(), ATTEMPTS: "6", FIRST_FAILED_AT: NOW.isoformat(), EXCEPTION: reason}
    return DeadLetter(
        service=copy.queue,
        handle=handle,
        id="4711",
        source="/x",
        type="a.b.v1",
        purchase_id="",
        reason="",
        exception=reason,
        fingerprint="fuel/bi:http_422",
        attempts=6,
        first_failed_at=NOW,
        last_failed_at=NOW,
        is_cut=False,
        came=Arrival(OUR_OWN, f"{copy.queue}.dead", headers, ""),
        body=copy.body,
    )


def test_it_lies_there_again_as_the_same_copy_under_a_new_name_and_untried() -> None:
    dead = letter()
    headers = reborn(dead, NOW)
    again = Copy.of(headers, dead.body)
    assert again == replace(COPY, deliveryid=new_name(dead, COPY))
    assert again.deliveryid != COPY.deliveryid
    assert "." not in again.deliveryid
    assert (headers.get(ATTEMPTS), headers.get(FIRST_FAILED_AT)) == (None, None)
    assert moment(headers[REDRIVEN_AT]) == NOW


def test_one_death_has_one_name_and_the_next_another() -> None:
    assert new_name(letter(), COPY) == new_name(letter(), COPY)
    assert new_name(letter(), COPY) != new_name(letter(handle="000000000001"), COPY)
    assert new_name(letter(REPLAYED), REPLAYED) != new_name(letter(), COPY)


@pytest.mark.parametrize("reason", ["template_failed", "too_many_copies"])
def test_what_was_never_made_cannot_be_sent(reason: str) -> None:
    assert copy_of(letter(reason=reason)) is None


def test_what_cannot_be_read_cannot_be_sent() -> None:
    assert copy_of(replace(letter(), is_cut=True)) is None
    headers = {name: value for name, value in letter().came.headers.items() if not name.endswith("hubid")}
    assert copy_of(replace(letter(), came=Arrival(OUR_OWN, "target.fuel.bi.dead", headers, ""))) is None


def test_the_record_says_of_which_replay_it_was() -> None:
    assert settled(COPY, "msg_x", "discarded", NOW).replay is None
    told = settled(REPLAYED, "msg_y", "redriven", NOW)
    assert (told.replay, told.deliveryid, told.outcome) == (REPLAYED.replayid, "msg_y", "redriven")
