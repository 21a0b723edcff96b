"""What the command line does on the broker where acts are gated: nothing that others have not agreed to, that once."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import pytest

from services.cli.release.gate import exits
from shared.bus.topology import dead_queue
from shared.kernel.digest import digest
from tests.component.runtime.letters import bury, taken_from
from tests.eventually import eventually
from tests.kit.office import Office, Scripted

RETRY = ("dead", "retry", "--all", "--service", "payment", "--reason", "the bank is back")
Connection = aio_pika.abc.AbstractConnection


@dataclass(frozen=True)
class Result:
    """A command's end."""

    exit_code: int
    output: str


async def milesaga(*words: str) -> Result:
    """A process of its own: who waits for others minds signals."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli.main", *words, env=dict(os.environ), stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Result(process.returncode, out.decode() + err.decode())


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Office]:
    """Acts are gated, and here is who decides."""
    with Office() as office:
        monkeypatch.setenv("GATED", "on")
        monkeypatch.setenv("ENVIRONMENT", "test")
        monkeypatch.setenv("MILESAGA_URL", office.url)
        monkeypatch.setenv("MILESAGA_TOKEN", "a-token")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        yield office


@asynccontextmanager
async def asked(office: Office, *words: str) -> AsyncIterator["asyncio.Task[Result]"]:
    """The command, when it has asked."""
    task = asyncio.create_task(milesaga(*words))
    try:
        await eventually(lambda: _is(bool(office.requests)), within=30)
        yield task
    finally:
        if office.requests and not task.done():
            office.decide("denied")
        await task


async def _is(found: bool) -> bool:
    return found


async def test_letters_are_sent_back_when_others_agreed_and_how_it_ended_is_told(
    broker_with_queues: Connection, office: Office
) -> None:
    for number in range(3):
        await bury(broker_with_queues, number)
    async with asked(office, *RETRY) as command:
        said = office.only.said
        assert (said["action"], said["environment"], said["target"]) == ("dead.retry_all", "test", "payment")
        (told,) = said["payload"]["letters"].values()
        assert (told["count"], told["types"]) == (3, ["payment.authorize_card.v1"])
        assert office.only.digest == digest(said["payload"])
        await bury(broker_with_queues, 9)
        office.decide("approved")
        result = await command
    assert result.exit_code == 0, result.output
    assert "3 sent back to work" in result.output
    assert [each.message_id for each in await taken_from(broker_with_queues, "payment")] == ["m0", "m1", "m2"]
    left = await taken_from(broker_with_queues, dead_queue("payment"))
    assert [each.message_id for each in left] == ["m9"], "it was not there when others agreed"
    assert office.kinds()[-3:] == ["grant", "redeem", "outcome"]
    assert office.only.outcome == {"exit_code": 0, "summary": ""}


@pytest.mark.parametrize(
    ("state", "code"), [("denied", exits.DENIED), ("expired", exits.EXPIRED), ("withdrawn", exits.CLOSED)]
)
async def test_what_nobody_agreed_to_is_not_done(
    broker_with_queues: Connection, office: Office, state: str, code: int
) -> None:
    await bury(broker_with_queues, 1)
    async with asked(office, *RETRY) as command:
        office.decide(state)
        assert (await command).exit_code == code
    assert len(await taken_from(broker_with_queues, dead_queue("payment"))) == 1
    assert "redeem" not in office.kinds()


@pytest.mark.parametrize("refusal", ["grant_used", "payload_changed", "grant_void"])
async def test_a_grant_that_is_refused_lets_nothing_pass(
    broker_with_queues: Connection, office: Office, refusal: str
) -> None:
    await bury(broker_with_queues, 1)
    office.say("redeem", *[Scripted(409, refusal)] * 30)
    async with asked(office, *RETRY) as command:
        office.decide("approved")
        result = await command
    assert result.exit_code == exits.CHANGED
    assert len(await taken_from(broker_with_queues, dead_queue("payment"))) == 1


async def test_a_silent_gate_lets_nothing_pass(broker_with_queues: Connection, office: Office) -> None:
    await bury(broker_with_queues, 1)
    office.close()
    result = await milesaga(*RETRY, "--reach", "1s")
    assert result.exit_code == exits.AWAY, result.output
    assert len(await taken_from(broker_with_queues, dead_queue("payment"))) == 1


async def test_a_letter_is_discarded_when_others_agreed_to_that_letter(
    broker_with_queues: Connection, office: Office
) -> None:
    for number in range(2):
        await bury(broker_with_queues, number)
    async with asked(office, "dead", "discard", "m1", "--yes", "--reason", "it was a test") as command:
        assert office.only.said["action"] == "dead.discard"
        assert office.only.said["target"].startswith("payment.")
        office.decide("approved")
        result = await command
    assert result.exit_code == 0, result.output
    left = await taken_from(broker_with_queues, dead_queue("payment"))
    assert [each.message_id for each in left] == ["m0"]


async def test_nobody_is_asked_without_a_reason_or_about_nothing(
    broker_with_queues: Connection, office: Office
) -> None:
    nothing = await milesaga(*RETRY)
    assert (nothing.exit_code, "0 sent back" in nothing.output) == (0, True)
    await bury(broker_with_queues, 1)
    without = await milesaga("dead", "retry", "--all")
    assert without.exit_code == exits.WRONG
    assert "--reason" in without.output
    (letter,) = await taken_from(broker_with_queues, dead_queue("payment"))
    assert letter.message_id == "m1"
    assert office.calls == []


async def test_one_letter_goes_back_on_record_without_asking(broker_with_queues: Connection, office: Office) -> None:
    await bury(broker_with_queues, 1)
    (letter,) = json.loads((await milesaga("dead", "list", "--json")).output)["letters"]
    assert (await milesaga("dead", "retry", "m1")).exit_code == 0
    assert [message.message_id for message in await taken_from(broker_with_queues, "payment")] == ["m1"]
    assert office.singles == [
        {"action": "dead.retry_all", "environment": "test", "target": "payment", "act": letter["handle"]}
    ]
    assert office.kinds() == ["single"]


async def test_one_by_one_is_no_way_round_the_others(broker_with_queues: Connection, office: Office) -> None:
    await bury(broker_with_queues, 1)
    office.say("single", *[Scripted(409, "grant_required")] * 2)
    without = await milesaga("dead", "retry", "m1")
    assert (without.exit_code, "--reason" in without.output) == (exits.WRONG, True)
    async with asked(office, "dead", "retry", "m1", "--reason", "the bank is back") as command:
        assert office.only.said["action"] == "dead.retry_all"
        assert office.only.said["target"].startswith("payment.")
        office.decide("denied")
        assert (await command).exit_code == exits.DENIED
    assert len(await taken_from(broker_with_queues, dead_queue("payment"))) == 1


async def test_what_nobody_puts_on_record_stays(broker_with_queues: Connection, office: Office) -> None:
    await bury(broker_with_queues, 1)
    office.say("single", Scripted(403, "inactive"))
    assert (await milesaga("dead", "retry", "m1")).exit_code == exits.WRONG
    office.close()
    assert (await milesaga("dead", "retry", "m1")).exit_code == exits.AWAY
    assert len(await taken_from(broker_with_queues, dead_queue("payment"))) == 1


async def test_a_queue_is_made_anew_when_others_agreed_and_missing_ones_without(
    vhost_url: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_URL", vhost_url)
    async with await aio_pika.connect(vhost_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue("payment", durable=True, arguments={"x-queue-type": "quorum"})
    made = await milesaga("topology", "apply")
    assert "queue payment: differs" in made.output
    assert office.calls == [], "to make what is missing takes nothing from anybody"

    async with asked(office, "topology", "apply", "--yes", "--reason", "4.3's queues") as command:
        said = office.only.said
        assert (said["action"], said["target"]) == ("topology.apply", "broker")
        assert said["payload"] == {"changes": ["queue payment: make it anew, and bring its messages back"]}
        office.decide("denied")
        assert (await command).exit_code == exits.DENIED
    assert (await milesaga("topology", "plan")).exit_code == 1, "it differs still"

    office.requests.clear()
    async with asked(office, "topology", "apply", "--yes", "--reason", "4.3's queues") as command:
        office.decide("approved")
        result = await command
    assert result.exit_code == 0, result.output
    assert "queue payment: made anew" in result.output
    assert office.only.outcome == {"exit_code": 0, "summary": ""}
    again = await milesaga("topology", "apply", "--yes", "--reason", "4.3's queues")
    assert again.exit_code == 0
    assert office.kinds().count("ask") == 2, "nothing is unmade, so nobody is asked"


async def test_nobody_gives_himself_a_partners_user(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Others are asked before anything is written, or the broker is spoken to: here is none."""
    kept = tmp_path / "partners.json"
    monkeypatch.setenv("PARTNERS", str(kept))
    monkeypatch.setenv("BROKER_URL", "amqp://nobody:nothing@127.0.0.1:1/")
    async with asked(
        office, "partners", "add", "acme", "--members", "rui,ana", "--target", "fuel/till", "--reason", "a new till"
    ) as command:
        said = office.only.said
        assert (said["action"], said["target"]) == ("partners.add", "acme")
        assert said["payload"] == {"members": ["ana", "rui"], "targets": ["fuel/till"]}
        office.decide("denied")
        assert (await command).exit_code == exits.DENIED
    assert not kept.exists()
