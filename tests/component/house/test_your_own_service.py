"""A service is added by its folder and one entry; the page that shows how is run as it stands."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel

from tests.component.house.page import repository_with_the_service, shown
from tests.eventually import eventually
from tests.kit.stack import Stack

PURCHASE = {
    "checkout_id": "c-1",
    "key": "k-1",
    "member_id": "ana",
    "cart_id": "cart-1",
    "total": {"money": {"amount": 100, "currency": "BRL"}, "miles": 0},
    "locators": ["ABCDEF"],
    "tickets": [],
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository_with_the_service(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def stack(repository: Path, tmp_path: Path, vhost_url: str) -> Iterator[Stack]:
    stack = Stack(tmp_path, "thanks", "sandbox", environment={"BROKER_URL": vhost_url}, repository=repository)
    stack.start()
    yield stack
    stack.clean_up()


@pytest.fixture
async def channel(vhost_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(vhost_url) as connection:
        yield await connection.channel()


async def publish_completed(channel: AbstractChannel, message_id: str) -> None:
    attributes = {"specversion": "1.0", "id": message_id, "source": "/tests", "type": "checkout.completed.v1"}
    message = aio_pika.Message(
        json.dumps(PURCHASE).encode(),
        headers={f"cloudEvents:{name}": value for name, value in attributes.items()},
        content_type="application/json",
    )
    events = await channel.get_exchange("events")
    await events.publish(message, "checkout.completed.v1")


async def bearer(http: httpx.AsyncClient) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "sandbox", "scope": "checkouts"}
    answer = await http.post("/sandbox/oauth/token", data=form | {"member": "ana"})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_the_service_of_the_page_runs_takes_messages_and_is_ready(stack: Stack, channel: AbstractChannel) -> None:
    heard = await channel.declare_queue(exclusive=True)
    await heard.bind("events", "thanks.#")
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        assert (await http.get("/readyz")).status_code == 200
        assert "thanks.member_thanked.v1" in (await http.get("/asyncapi.json")).text
        member = await bearer(http)
        assert (await http.get("/v1/thanks/c-1", headers=member)).status_code == 404
        for message_id in ("1", "1", "2"):
            await publish_completed(channel, message_id)

        await eventually(lambda: handled(http, 3), 20)
        answer = await http.get("/v1/thanks/c-1", headers=member)
        assert answer.json() == {"id": "c-1", "member_id": "ana"}
    said = await heard.get()
    assert said is not None
    assert json.loads(said.body) == {"checkout_id": "c-1"}
    assert await heard.get(fail=False) is None, "it was said once, however often the purchase was told"


async def handled(http: httpx.AsyncClient, count: int) -> bool:
    """So many messages were taken to their end."""
    metrics = (await http.get("/metrics")).text
    done = re.findall(r'^milesaga_messages_total\{.*outcome="done".*\} ([0-9.]+)$', metrics, re.MULTILINE)
    return sum(map(float, done)) == count


def test_the_command_line_knows_it(repository: Path) -> None:
    known = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "run", "--help"],
        cwd=repository,
        env={"COLUMNS": "200", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "archive, delivery, releases, thanks" in known.stdout


@pytest.mark.parametrize(
    ("place", "line", "rule"),
    [
        ("handlers.py", "", None),
        ("handlers.py", "from services.cart.domain.cart import Cart", "services do not import each other"),
        ("domain.py", "from services.thanks.handlers import table", "inside a service"),
        ("domain.py", "import httpx", "stay in adapters"),
        ("service.py", "import pydantic", "a description is light"),
    ],
)
def test_the_import_rules_hold_for_a_new_folder(
    repository: Path, tmp_path: Path, place: str, line: str, rule: str | None
) -> None:
    file = repository / "services" / "thanks" / place
    text = file.read_text()
    try:
        file.write_text(f"{text}\n{line}\n")
        checked: subprocess.CompletedProcess[Any] = subprocess.run(
            [Path(sys.executable).parent / "lint-imports", "--cache-dir", tmp_path / "cache"],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        file.write_text(text)
    assert (checked.returncode == 0) == (rule is None), checked.stdout
    assert rule is None or rule in checked.stdout.partition("Broken contracts")[2]


def test_the_page_keeps_its_word_about_its_length() -> None:
    """Lines of code: imports and docstrings are told by any editor."""
    code = [
        line
        for path, text in shown().items()
        if path.startswith(("services/thanks", "shared/"))
        for line in text.splitlines()
        if line.strip() and not line.startswith(("from ", '"""')) and not line.strip().startswith('"""')
    ]
    assert len(code) <= 60
