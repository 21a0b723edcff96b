"""What a partner may do on the broker, and what a service may; by the command that an operator uses."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError
from typer.testing import CliRunner, Result

from services.cli.broker_node import PrivateBroker
from services.cli.main import app
from services.cli.ports import free_ports
from services.house import HOUSE
from shared.runtime.addresses import own_broker_url, with_user
from shared.runtime.home import BROKER_USERS, Home
from shared.runtime.settings import RuntimeSettings, read
from tests.component.bus.conftest import new_bus
from tests.kit.broker import VirtualHosts, start_broker

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualHosts]:
    """Virtual hosts of a node with the management plugin, which all tests here share."""
    node = start_broker(tmp_path_factory.mktemp("managed"), management=True)
    yield VirtualHosts(node)
    node.kill()
    shutil.rmtree(node.folder)


@pytest.fixture(params=["private node", "management API"])
async def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """A home, and the whole topology on its broker: a private node, or one that is reached by its URLs alone."""
    monkeypatch.delenv("BROKER_URL", raising=False)
    url = None
    if request.param == "private node":
        folder = request.getfixturevalue("own_broker").folder.parent
    else:
        folder = tmp_path / "home"
        url = request.getfixturevalue("managed").take()
        monkeypatch.setenv("BROKER_URL", url)
        monkeypatch.setenv("BROKER_MANAGEMENT_URL", management_url(request.getfixturevalue("managed").broker))
    monkeypatch.setenv("MILESAGA_HOME", str(folder))
    applied = await milesaga("topology", "apply")
    assert applied.exit_code == 0, applied.output
    assert "user payment: as described" in applied.output
    yield folder
    if url is not None:
        request.getfixturevalue("managed").give_back(url)


def management_url(broker: PrivateBroker) -> str:
    """Without the credentials, which are those of the broker's URL."""
    parts = urlsplit(broker.management_url)
    return f"http://{parts.hostname}:{parts.port}"


def url_of(home: Path, service: str) -> str:
    """The broker under the service's own user. Outside of a laptop an operator makes it of what `apply` has kept."""
    settings = read(RuntimeSettings)
    if settings.broker_url is None:
        return own_broker_url(settings, Home(home), service)
    return with_user(settings.broker_url, service, json.loads(Home(home).read(BROKER_USERS) or "")[service])


async def milesaga(*arguments: str) -> Result:
    """The command has an event loop of its own, so it runs in another thread."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


@pytest.fixture
async def partner(home: Path) -> AsyncIterator[AbstractConnection]:
    added = await milesaga("partners", "add", "acme", "--members", "ana,rui")
    assert added.exit_code == 0, added.output
    async with await aio_pika.connect(added.output.strip()) as connection:
        yield connection


async def refused(
    connection: AbstractConnection, exchange: str, topic: str = "x.y.v1", *, user_id: str | None = None
) -> bool:
    """Whether the broker refuses a message to an exchange."""
    channel = await connection.channel()
    message = aio_pika.Message(b"{}", user_id=user_id)
    where = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    try:
        await where.publish(message, "checkout" if not exchange else topic, mandatory=False, timeout=5)
    except AMQPError:
        return True
    await channel.close()
    return False


async def binding_is_refused(connection: AbstractConnection, exchange: str, pattern: str) -> bool:
    channel = await connection.channel()
    queue = await channel.declare_queue("acme.orders", durable=True)
    try:
        await queue.bind(exchange, pattern)
    except AMQPError:
        return True
    await channel.close()
    return False


async def test_a_partner_writes_to_public_as_itself_and_hears_events(partner: AbstractConnection) -> None:
    assert not await refused(partner, "public")
    assert not await refused(partner, "public", user_id="acme")
    assert await refused(partner, "public", user_id="milesaga"), "nobody is somebody else"
    for exchange in ("", "commands", "answers", "events", "retry.1s", "amq.topic"):
        assert await refused(partner, exchange), exchange
    assert not await binding_is_refused(partner, "events", "checkout.#")
    for exchange in ("commands", "answers", "public", "retry.1s"):
        assert await binding_is_refused(partner, exchange, "#"), exchange
    for queue in ("checkout", "payment.dead", "retry.1s", "acme-2.orders"):
        channel = await partner.channel()
        with pytest.raises(AMQPError):
            await (await channel.get_queue(queue, ensure=False)).get(fail=False)
    for queue in ("payment", "orders", "acme2.orders"):
        channel = await partner.channel()
        with pytest.raises(AMQPError):
            await channel.declare_queue(queue)
    channel = await partner.channel()
    with pytest.raises(AMQPError):
        await channel.declare_queue("acme.trick", arguments={"x-dead-letter-exchange": "answers"})


async def test_partners_are_added_listed_and_removed(home: Path) -> None:
    url = json.loads((await milesaga("partners", "add", "acme", "--members", "ana,rui", "--json")).output)["url"]
    assert (await milesaga("partners", "add", "acme")).exit_code == 2
    for name in ("checkout", "amq", "Acme", "a.b", "retry", "-x"):
        assert (await milesaga("partners", "add", "--", name)).exit_code == 2, name
    listed = json.loads((await milesaga("partners", "list", "--json")).output)
    assert listed == {"partners": [{"name": "acme", "members": ["ana", "rui"]}]}
    assert url.split(":")[2].split("@")[0] not in (home / "partners.json").read_text()
    assert (home / "partners.json").stat().st_mode & 0o077 == 0
    assert (await milesaga("partners", "remove", "acme")).exit_code == 0
    assert (await milesaga("partners", "remove", "acme")).exit_code == 1
    with pytest.raises(AMQPError):
        await aio_pika.connect(url)


async def test_a_partner_whose_password_is_given_is_replaced_and_its_password_told_to_nobody(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whatever describes a stack can make its partner each time that it starts."""
    monkeypatch.setenv("PARTNER_PASSWORD", "short")
    assert (await milesaga("partners", "add", "acme")).exit_code == 2
    node = url_of(home, "payment")
    for word in ("a-password-of-ours", "another-password-of-ours"):
        monkeypatch.setenv("PARTNER_PASSWORD", word)
        added = await milesaga("partners", "add", "acme", "--replace")
        assert added.exit_code == 0, added.output
        assert word not in added.output
        async with await aio_pika.connect(with_user(node, "acme", word)) as connection:
            assert not await refused(connection, "public")
    assert (await milesaga("partners", "add", "acme")).exit_code == 2, "only --replace does"


async def test_every_service_has_a_user_with_the_password_that_is_given_or_one_that_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENT_BROKER_PASSWORD", "a-password-of-ours")
    applied = await milesaga("topology", "apply")
    assert applied.exit_code == 0, applied.output
    kept = json.loads((home / "broker-users.json").read_text())
    assert kept.keys() | {"payment"} == {each.name for each in HOUSE}
    assert "payment" not in kept
    node = url_of(home, "miles")
    for name, word in {**kept, "payment": "a-password-of-ours"}.items():
        async with await aio_pika.connect(with_user(node, name, word)) as connection:
            assert await refused(connection, "public"), name
    monkeypatch.setenv("PAYMENT_BROKER_PASSWORD", "short")
    applied = await milesaga("topology", "apply")
    assert (applied.exit_code, "PAYMENT_BROKER_PASSWORD" in applied.output) == (2, True)


async def test_the_sandbox_is_connected_and_may_do_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outside world has no business with our broker."""
    monkeypatch.setenv("SANDBOX_BROKER_PASSWORD", "a-password-of-ours")
    assert (await milesaga("topology", "apply")).exit_code == 0
    url = with_user(url_of(home, "miles"), "sandbox", "a-password-of-ours")
    async with await aio_pika.connect(url) as connection:
        for exchange in ("", "commands", "answers", "events", "public", "retry.1s", "amq.topic"):
            assert await refused(connection, exchange), exchange
        for queue in ("checkout", "sandbox"):
            channel = await connection.channel()
            with pytest.raises(AMQPError):
                await channel.declare_queue(queue, durable=True)
    bus = new_bus(url, queues={"payment": (("commands", "payment.#"),)})
    await bus.start()
    await bus.ping()
    await bus.close()


async def test_a_service_works_as_its_own_user_and_reads_nobody_elses(home: Path) -> None:
    url = url_of(home, "payment")
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        assert await (await channel.get_queue("payment", ensure=False)).get(fail=False) is None
        assert await refused(connection, "public")
        assert await refused(connection, "commands")
        for queue in ("miles", "checkout", "retry.1s"):
            channel = await connection.channel()
            with pytest.raises(AMQPError):
                await (await channel.get_queue(queue, ensure=False)).get(fail=False)
        channel = await connection.channel()
        with pytest.raises(AMQPError):
            await (await channel.get_queue("payment", ensure=False)).bind("commands", "#")
    bus = new_bus(url, queues={"payment": (("commands", "payment.#"),)})
    await bus.start()
    try:
        await bus.consume("payment", {}, installation="a stack")
        assert (bus.ready, bus.differences) == (True, [])
        assert await bus.now() is not None
    finally:
        await bus.close()


async def test_a_service_gives_commands_to_those_whom_its_entry_names(home: Path) -> None:
    async with await aio_pika.connect(url_of(home, "hub")) as connection:
        for topic in ("hub.route_page.v1", "archive.keep_page.v1", "delivery.configure_clients.v1"):
            assert not await refused(connection, "commands", topic), topic
        assert await refused(connection, "commands", "payment.authorize_card.v1")


async def test_what_the_management_api_refuses_is_one_sentence_and_nobody_becomes_a_partner(
    managed: VirtualHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nobody,) = free_ports(1)
    url = managed.take()
    monkeypatch.setenv("MILESAGA_HOME", str(tmp_path))
    for broker_url, management, said in (
        (url, f"http://127.0.0.1:{nobody}", "no management API answers at"),
        (with_user(url, "milesaga", "wrong"), management_url(managed.broker), "/api/definitions answered 401"),
    ):
        monkeypatch.setenv("BROKER_URL", broker_url)
        monkeypatch.setenv("BROKER_MANAGEMENT_URL", management)
        added = await milesaga("partners", "add", "acme")
        assert added.exit_code == 1
        assert added.stdout == ""
        (sentence,) = added.stderr.splitlines()
        assert said in sentence
        assert "wrong" not in sentence
        assert json.loads((await milesaga("partners", "list", "--json")).stdout) == {"partners": []}
    managed.give_back(url)
