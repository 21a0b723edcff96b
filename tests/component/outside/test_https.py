"""Over TLS: whoever cannot show who it is gets nothing of a request."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from shared.kernel.errors import NotSent, OutcomeUnknown
from shared.outside.line import Line, Request, Response
from shared.runtime.trust import https_context
from tests.component.outside.places import TRUSTED, Place, Streams, answering, line_to, saying
from tests.kit.tls import Authority, behind_tls

POST = Request("POST", "/effect", operation="effect", json={"do": "it"})


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def over_tls(place: Place, shown: ssl.SSLContext, trusted: ssl.SSLContext) -> AsyncIterator[Line]:
    async with (
        place.open(),
        behind_tls(place.port, shown) as port,
        line_to(f"https://127.0.0.1:{port}", trusted=trusted) as line,
    ):
        yield line


async def test_a_server_that_shows_who_it_is_is_asked_over_one_connection(authority: Authority) -> None:
    place = Place(answering(200))
    async with over_tls(place, authority.server(), https_context(authority.file)) as line:
        for _ in range(3):
            assert await line.send(POST) == Response(200, {})
    assert place.connections == 1


async def test_whoever_cannot_show_who_it_is_gets_nothing(authority: Authority) -> None:
    trusted = https_context(authority.file)
    wrong = {
        "another host's": (authority.server("127.0.0.2"), trusted),
        "of yesterday": (authority.server(good_for=-timedelta(days=1)), trusted),
        "of an authority that nobody knows": (authority.server(), TRUSTED),
    }
    for what, (shown, believed) in wrong.items():
        place = Place(answering(200))
        async with over_tls(place, shown, believed) as line:
            with pytest.raises(NotSent, match="ConnectError"):
                await line.send(POST)
        assert place.connections <= 1, what  # the door behind which TLS is spoken may have been opened, no more


@pytest.mark.parametrize(
    "does", [saying(), saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), saying(b"HTTP/1.1 2")]
)
async def test_a_line_that_ends_behind_tls_is_unknown_too(authority: Authority, does: Streams) -> None:
    async with over_tls(Place(does), authority.server(), https_context(authority.file)) as line:
        with pytest.raises(OutcomeUnknown):
            await line.send(POST)


async def test_a_server_is_told_that_only_http_1_is_spoken(authority: Authority) -> None:
    agreed: list[str | None] = []

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await answering(200)(reader, writer)

    shown = authority.server()
    shown.set_alpn_protocols(["h2", "http/1.1"])
    place = Place(answers)
    async with place.open(shown), line_to(place.url, trusted=https_context(authority.file)) as line:
        assert await line.send(POST) == Response(200, {})
    assert agreed == ["http/1.1"]
