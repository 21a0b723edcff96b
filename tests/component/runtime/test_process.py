"""A process from its start to the end of its drain, as an orchestrator of containers sees it."""

import asyncio
import json
import re
import signal
import socket
import time
from collections.abc import Awaitable
from typing import TypeVar

import aio_pika
import httpx
import pytest

from services.cli.broker_node import PrivateBroker
from services.house import HOUSE
from shared.bus.declaring import declare
from shared.bus.topology import topology
from shared.contracts.cloudevents import Envelope
from shared.contracts.payment import VoidAuthorization
from shared.runtime.description import queues
from tests.component.runtime.conftest import StartProcess
from tests.eventually import eventually, eventually_sync
from tests.faults import FaultProxy

T = TypeVar("T")


async def order(url: str, purchase_id: str) -> None:
    """Put a command on payment's queue."""
    command = VoidAuthorization(purchase_id=purchase_id, step="authorize the card")
    envelope = Envelope(id=f"order-{purchase_id}", source="tests", type=command.type)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        message = aio_pika.Message(command.model_dump_json().encode(), headers=dict(envelope.headers()))
        await (await channel.get_exchange(command.exchange)).publish(message, command.type)


async def waiting_in(url: str, queue: str) -> int:
    """How many messages lie ready in a queue."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        found = await channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0


async def status_of(url: str, method: str = "GET") -> int:
    async with httpx.AsyncClient() as http:
        return (await http.request(method, url)).status_code


async def test_ready_is_said_when_and_only_when_readyz_says_so(start_process: StartProcess, vhost_url: str) -> None:
    process = start_process("payment", BROKER_URL=vhost_url)
    url = process.wait_until_ready()
    assert await status_of(f"{url}/readyz") == 200
    assert await status_of(f"{url}/healthz") == 200
    assert not url.endswith(":0"), "port 0 takes a free one and says which"


async def test_a_broker_that_is_away_at_the_start_is_waited_for(start_process: StartProcess, vhost_url: str) -> None:
    host, port = httpx.URL(vhost_url.replace("amqp://", "http://")).netloc.decode().rpartition("@")[2].split(":")
    async with FaultProxy(host, int(port)) as proxy:
        proxy.refuse = True
        with socket.create_server(("127.0.0.1", 0)) as probe:
            http_port = probe.getsockname()[1]
        away_url = vhost_url.replace(f"{host}:{port}", f"127.0.0.1:{proxy.port}")
        process = start_process("payment", BROKER_URL=away_url, PORT=str(http_port))
        url = f"http://127.0.0.1:{http_port}"

        async def not_ready() -> httpx.Response:
            async with httpx.AsyncClient() as http:
                try:
                    answer = await http.get(f"{url}/readyz")
                except httpx.HTTPError as error:
                    raise AssertionError("not listening yet") from error
            assert "broker" in answer.text
            return answer

        answer = await eventually(not_ready, within=30.0)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "not_ready"
        assert await status_of(f"{url}/healthz") == 200
        assert await eventually(lambda: _is(status_of(f"{url}/v1/fake", "POST"), 200)), "requests need no broker"
        assert not process.said_ready

        proxy.refuse = False
        await eventually(lambda: process.said_ready, within=20.0)
        assert await status_of(f"{url}/readyz") == 200
        process.terminate()
        assert await asyncio.to_thread(process.exit_code) == 0


async def readiness(url: str) -> tuple[int, str]:
    """What `/readyz` says, and of the broker."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/readyz")
    return answer.status_code, answer.json().get("broker", "")


async def test_a_process_that_takes_requests_is_ready_without_the_broker_and_says_so(
    start_process: StartProcess, vhost_url: str
) -> None:
    place = httpx.URL(vhost_url.replace("amqp://", "http://"))
    async with FaultProxy(place.host, place.port or 5672) as proxy:
        proxy.refuse = True
        away_url = vhost_url.replace(f":{place.port}/", f":{proxy.port}/")
        api, whole = start_process("offers", BROKER_URL=away_url), start_process(BROKER_URL=away_url)
        worker = start_process("ticketing", BROKER_URL=away_url)
        url, everything = (
            await asyncio.to_thread(api.wait_until_ready),
            await asyncio.to_thread(whole.wait_until_ready),
        )
        assert await readiness(url) == (200, "away")
        assert await readiness(everything) == (200, "away")
        assert not worker.said_ready

        proxy.refuse = False
        working = await asyncio.to_thread(worker.wait_until_ready)
        await eventually(lambda: _is(readiness(url), (200, "here")), within=30.0)
        await eventually(lambda: _is(readiness(everything), (200, "here")), within=30.0)
        assert await readiness(working) == (200, "here")

        proxy.hang()
        await eventually(lambda: _is(readiness(everything), (200, "away")), within=30.0)
        assert (await readiness(url))[0] == 200


async def test_a_store_that_is_away_is_named_and_keeps_requests_out_but_not_a_signal(
    start_process: StartProcess, vhost_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        http_port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{http_port}"
    process = start_process("payment", BROKER_URL=vhost_url, MONGODB_URL="mongodb://127.0.0.1:1/", PORT=str(http_port))

    async def named() -> bool:
        async with httpx.AsyncClient(timeout=10) as http:
            try:
                answer = await http.get(f"{url}/readyz")
            except httpx.ConnectError as error:
                raise AssertionError("not listening yet") from error
        return answer.status_code == 503 and "store of payment" in answer.json()["detail"]

    await eventually(named)
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/v1/fake")
    assert (answer.status_code, answer.json()["code"]) == (503, "starting")
    process.terminate()
    assert process.exit_code() == 0
    assert not process.said_ready


async def test_a_service_that_cannot_work_keeps_its_own_process_from_it_and_no_whole_stack(
    start_process: StartProcess, vhost_url: str
) -> None:
    process = start_process("payment", BROKER_URL=vhost_url)
    url = process.wait_until_ready()
    unwell = process.release_file.with_suffix(".unwell")
    unwell.touch()
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "No answer from: health of payment.")
    unwell.unlink()
    assert await status_of(f"{url}/readyz") == 200
    process.terminate()
    assert process.exit_code() == 0

    whole = start_process(BROKER_URL=vhost_url, RELEASE=str(process.release_file))
    url = whole.wait_until_ready()
    unwell.touch()
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/readyz")
    assert (answer.status_code, answer.json()["health of payment"]) == (200, "away")


def test_a_signal_before_the_broker_is_there_ends_the_process(start_process: StartProcess) -> None:
    process = start_process("payment", BROKER_URL="amqp://127.0.0.1:1/")
    eventually_sync(lambda: "no connection to the broker" in process.log)
    process.terminate()
    assert process.exit_code() == 0
    assert not process.said_ready


async def _is(answer: Awaitable[T], expected: T) -> bool:
    return await answer == expected


async def test_a_drain_finishes_what_is_in_hand_and_takes_nothing_new(
    start_process: StartProcess, vhost_url: str
) -> None:
    process = start_process("payment", BROKER_URL=vhost_url)
    url = process.wait_until_ready()
    await order(vhost_url, "p1")
    await eventually(lambda: "begun p1" in process.journal)
    async with httpx.AsyncClient() as http, http.stream("GET", f"{url}/v1/fake/news/stream") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "data: news"
        process.terminate()
        await eventually(lambda: _is(status_of(f"{url}/readyz"), 503))
        assert [line async for line in lines if line] == ["data: end"], "streams end when the drain begins"
    async with httpx.AsyncClient() as http:
        refused = await http.post(f"{url}/v1/fake")
    assert (refused.status_code, refused.json()["code"]) == (503, "draining")
    assert await status_of(f"{url}/v1/fake") == 200, "what is in hand may still read"
    await order(vhost_url, "p2")
    assert process.process.poll() is None, "it waits for the handler"

    process.release()
    assert process.exit_code() == 0
    assert process.journal[-2:] == ["done p1", "closed"]
    assert await waiting_in(vhost_url, "checkout") == 1, "the answer went out"
    assert await waiting_in(vhost_url, "payment") == 1, "the new order is left to others"


async def test_a_handler_that_outlasts_the_drain_gives_its_message_back(
    start_process: StartProcess, vhost_url: str
) -> None:
    process = start_process("payment", BROKER_URL=vhost_url, DRAIN_SECONDS="0.5")
    process.wait_until_ready()
    await order(vhost_url, "p1")
    await eventually(lambda: "begun p1" in process.journal)
    begun = time.monotonic()
    process.terminate()
    assert process.exit_code() == 0
    assert time.monotonic() - begun < 10
    assert "done p1" not in process.journal
    await eventually(lambda: _is(waiting_in(vhost_url, "payment"), 1))


async def test_a_broker_that_hangs_cannot_keep_a_process_from_leaving(
    start_process: StartProcess, own_broker: PrivateBroker
) -> None:
    process = start_process("payment", BROKER_URL=own_broker.url, DRAIN_SECONDS="1")
    process.wait_until_ready()
    own_broker.pause()
    begun = time.monotonic()
    process.terminate()
    process.exit_code()
    assert time.monotonic() - begun < 15
    own_broker.resume()


async def test_a_second_signal_ends_the_process_at_once(start_process: StartProcess, vhost_url: str) -> None:
    process = start_process("payment", BROKER_URL=vhost_url)
    process.wait_until_ready()
    await order(vhost_url, "p1")
    await eventually(lambda: "begun p1" in process.journal)
    process.terminate()
    await eventually(lambda: "asked to stop" in process.log)
    begun = time.monotonic()
    process.terminate()
    assert process.exit_code() == 143
    assert time.monotonic() - begun < 5


async def test_a_task_that_dies_is_logged_and_started_again(start_process: StartProcess, vhost_url: str) -> None:
    process = start_process("payment", BROKER_URL=vhost_url, TASK_FAILURES="1")
    url = process.wait_until_ready()
    await eventually(lambda: process.journal.count("task started") == 2)
    lines = [json.loads(line) for line in process.log.splitlines()]
    failed = [line for line in lines if line["event"] == "background task failed"]
    assert [line["error"] for line in failed] == ["RuntimeError"]
    assert "card number" not in process.log, "an exception's text may quote what it was about"
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{url}/metrics")).text
    assert 'milesaga_task_restarts_total{task="payment: failing_task"} 1.0' in metrics


async def test_metrics_tell_what_was_handled_answered_and_left_unsent(
    start_process: StartProcess, vhost_url: str
) -> None:
    process = start_process("payment", BROKER_URL=vhost_url)
    url = process.wait_until_ready()
    process.release()
    await order(vhost_url, "p1")
    await eventually(lambda: "done p1" in process.journal)
    await status_of(f"{url}/v1/fake")

    async def nothing_unsent() -> str:
        async with httpx.AsyncClient() as http:
            text = (await http.get(f"{url}/metrics")).text
        assert 'milesaga_outbox_unsent_seconds{service="payment"} 0.0' in text
        assert 'milesaga_queue_consumers{queue="payment",service="payment"} 1.0' in text
        return text

    metrics = await eventually(nothing_unsent)
    assert 'milesaga_messages_total{outcome="done",service="payment",type="payment.void.v1"} 1.0' in metrics
    assert 'milesaga_http_requests_total{method="GET",route="/v1/fake",service="payment",status="200"} 1.0' in metrics
    assert "milesaga_published_total 1.0" in metrics
    assert "milesaga_broker_connected 1.0" in metrics
    assert 'milesaga_build_info{service="payment",version="' in metrics
    assert 'milesaga_queue_consumers{queue="payment",service="payment"} 1.0' in metrics
    assert 'milesaga_queue_messages{queue="payment.dead",service="payment"} 0.0' in metrics
    assert 'milesaga_tier_messages{tier="6h"} 0.0' in metrics
    assert 'milesaga_timer_overdue_seconds{collection="documents",service="payment"} 0.0' in metrics
    assert 'milesaga_store_seconds_count{operation="save",service="payment"} 1.0' in metrics


async def test_documents_need_nothing_from_elsewhere(start_process: StartProcess, vhost_url: str) -> None:
    url = start_process("payment", BROKER_URL=vhost_url).wait_until_ready()
    async with httpx.AsyncClient(base_url=url) as http:
        document = (await http.get("/openapi.json")).json()
        messages = (await http.get("/asyncapi.json")).json()
        pages = [(await http.get(path)).text for path in ("/docs", "/docs/messages", "/docs/problems")]
        parts = {part for page in pages for part in re.findall(r'(?:src|href)="([^"]*)"', page)}
        answers = {part: (await http.get(part)).status_code for part in parts}
        assert (await http.get("/docs/static/README.md")).status_code == 404
        assert (await http.get("/favicon.ico")).status_code == 204, "browsers ask for one beside every page"
    assert document["openapi"].startswith("3.1")
    assert {"/v1/fake", "/readyz", "/metrics"} <= set(document["paths"])
    assert messages["asyncapi"].startswith("3.")
    assert VoidAuthorization.type in str(messages["components"]["messages"])
    assert set(answers.values()) == {200}, answers
    assert all(part.startswith("/") and not part.startswith("//") for part in parts)
    assert "/docs/static/swagger-ui/swagger-ui-bundle.js" in parts
    assert not any("https://" in page for page in pages)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORT": "eighty"}, "PORT: "),
        ({"BROKER_URL": "http://127.0.0.1"}, "BROKER_URL: "),
        ({"DRAIN_SECONDS": "0"}, "DRAIN_SECONDS: "),
        ({"ENVIRONMENT": "production", "SANDBOX": "on"}, "SANDBOX: "),
        ({"SANDBOX": "off"}, "OIDC_ISSUER: "),
        ({"TASK_FAILURES": "-1"}, "TASK_FAILURES: "),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    start_process: StartProcess, settings: dict[str, str], named: str
) -> None:
    process = start_process("payment", **{"BROKER_URL": "amqp://127.0.0.1:1/", **settings})
    assert process.exit_code() == 2
    assert process.log.startswith(f"milesaga: {named}")
    assert process.log.count("\n") == 1


def test_without_a_broker_a_single_service_says_where_it_looked(start_process: StartProcess) -> None:
    process = start_process("payment")
    assert process.exit_code() == 2
    assert process.log.startswith("milesaga: BROKER_URL: ")


def test_a_taken_port_stops_the_start_and_is_named(start_process: StartProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start_process("payment", BROKER_URL="amqp://127.0.0.1:1/", PORT=str(taken.getsockname()[1]))
        assert process.exit_code() == 2
    assert process.log.startswith("milesaga: PORT: ")


def test_an_unknown_service_is_answered_with_the_known_ones(start_process: StartProcess) -> None:
    process = start_process("payments")
    assert process.exit_code() == 2
    assert "'payments' is no service" in process.log
    assert "notifications" in process.log


async def test_a_topology_that_is_there_already_does_not_hinder_the_start(
    start_process: StartProcess, vhost_url: str
) -> None:
    async with await aio_pika.connect(vhost_url) as connection:
        assert connection.transport is not None
        await declare(connection.transport.connection, topology(queues(HOUSE)))
    start_process("payment", BROKER_URL=vhost_url).wait_until_ready()


async def test_a_terminal_that_closes_drains_as_an_orchestrator_does(
    start_process: StartProcess, vhost_url: str
) -> None:
    process = start_process("payment", BROKER_URL=vhost_url)
    await asyncio.to_thread(process.wait_until_ready)
    process.process.send_signal(signal.SIGHUP)
    assert await asyncio.to_thread(process.exit_code) == 0, process.log
