"""Where the requests of delivery go, as its entry wires it: nowhere inside, whoever names it and by whatever name."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.delivery.app import compose
from shared.contracts.delivery import ConfigureTargets
from tests.kit.clock import HandClock
from tests.kit.desk import Desk, an_envelope
from tests.kit.runtime import TestRuntime

HOOK = "https://bi.example/hook"
PUBLIC = "93.184.216.34"
INSIDE = (
    *("10.0.0.1", "172.16.9.9", "192.168.1.1", "127.0.0.1", "0.0.0.0", "100.64.0.1", "169.254.169.254"),
    *("224.0.0.1", "::1", "fe80::1", "fd12::1", "fec0::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001::1", "::10.0.0.1"),
)
"""Of this machine, its network, its provider's metadata; and such addresses in the clothes of IPv6."""


class Net:
    """What names stand for, one look-up after the other, the last again and again; who was dialled."""

    def __init__(self) -> None:
        self.answers: list[Sequence[str]] = []
        self.looked_up = 0
        self.dialled: list[str] = []

    def look_up(self, _: str, port: int, **__: Any) -> list[Any]:
        found = self.answers[min(self.looked_up, len(self.answers) - 1)]
        self.looked_up += 1
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in found
        ]

    async def dial(self, addresses: Sequence[Any], **_: Any) -> socket.socket:
        self.dialled += [each[4][0] for each in addresses]
        raise ConnectionRefusedError("nobody is there")


@pytest.fixture
async def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    made = Net()
    monkeypatch.setattr("shared.outside.lookups.getaddrinfo", made.look_up)
    monkeypatch.setattr("shared.outside.transport.start_connection", made.dial)
    return made


@asynccontextmanager
async def delivery(folder: Path, url: str = HOOK, *, sandbox: bool = False) -> AsyncIterator[Desk]:
    """As its process composes it, with one target."""
    runtime = TestRuntime(folder, HandClock(), sandbox=sandbox)
    service = compose(runtime)
    desk = Desk(runtime, service)
    assert service.store is not None
    await service.store.open()
    told = ConfigureTargets.model_validate(
        {"bus": "fuel", "revision": 1, "partner": "coles", "targets": {"bi": {"webhook": url}}}
    )
    await service.table[ConfigureTargets](told, an_envelope(told))
    yield desk
    for closing in service.closing:
        await closing()
    await service.store.close()


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVERY_MASTER_KEY", "k" * 32)


async def asked(desk: Desk, act: str = "test") -> Any:
    async with desk.http() as client:
        answer = await client.post(f"/v1/hub/targets/fuel/bi/{act}", headers=desk.operator())
        assert answer.status_code == 200, answer.text
        return answer.json()


async def test_a_name_that_stands_for_an_address_inside_is_not_dialled(tmp_path: Path, net: Net) -> None:
    async with delivery(tmp_path) as desk:
        for address in INSIDE:
            net.answers = [[address]]
            for act in ("verify", "test"):
                shown = await asked(desk, act)
                assert (shown["agrees"], shown["fault"]) == (False, "not_allowed"), address
    assert net.dialled == []


async def test_of_a_name_with_addresses_outside_and_inside_only_those_outside_are_dialled(
    tmp_path: Path, net: Net
) -> None:
    net.answers = [[*INSIDE, PUBLIC]]
    async with delivery(tmp_path) as desk:
        assert (await asked(desk))["fault"] == "connect"
    assert net.dialled == [PUBLIC]


async def test_a_name_that_turns_inside_after_it_was_looked_at_is_not_dialled(tmp_path: Path, net: Net) -> None:
    """Each dial goes to what was judged for it, and to nothing that the name stands for a moment later."""
    net.answers = [[PUBLIC], ["169.254.169.254"]]
    async with delivery(tmp_path) as desk:
        assert (await asked(desk))["fault"] == "connect"
        assert (net.looked_up, net.dialled) == (1, [PUBLIC])
        assert (await asked(desk))["fault"] == "not_allowed"
    assert (net.looked_up, net.dialled) == (2, [PUBLIC])


@pytest.mark.parametrize(
    "url",
    [
        *("http://bi.example/", "https://bi.example:8443/", "https://10.0.0.1/", "https://8.8.8.8/", "https://[::1]/"),
        *("https://[::ffff:10.0.0.1]/", "https://2130706433/", "https://0x7f.1/", "https://127.1/"),
    ],
)
async def test_what_a_url_says_itself_is_judged_before_anything_is_looked_up(
    url: str, tmp_path: Path, net: Net
) -> None:
    net.answers = [[PUBLIC]]
    async with delivery(tmp_path, url) as desk:
        assert (await asked(desk))["fault"] == "not_allowed"
    assert (net.looked_up, net.dialled) == (0, [])


async def test_what_the_settings_allow_is_dialled_and_nothing_beside(
    tmp_path: Path, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVERY_ALLOW_NETWORKS", "10.1.0.0/16")
    net.answers = [["10.1.2.3", "10.2.0.1", "127.0.0.1"]]
    async with delivery(tmp_path) as desk:
        assert (await asked(desk))["fault"] == "connect"
    assert net.dialled == ["10.1.2.3"]


async def test_beside_the_sandbox_this_machine_is_reached_and_no_other_network(tmp_path: Path, net: Net) -> None:
    net.answers = [["127.0.0.1", "10.0.0.1", "169.254.169.254"]]
    async with delivery(tmp_path, "http://hook.localhost:8000/", sandbox=True) as desk:
        await asked(desk)
    assert set(net.dialled) == {"127.0.0.1"}
