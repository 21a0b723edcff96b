"""One HTTP/1.1 connection: a request goes out whole, its answer comes in whole, and then the next one may go."""

import asyncio
import select
from typing import Final, cast

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MOST_BYTES: Final = 16 * 1024 * 1024
"""An answer beyond that is nonsense. A search of flights with all its fares is about a tenth of it."""
MOST_HEAD_BYTES: Final = 100 * 1024
"""Of status and headers, those of interim answers (1xx) included."""

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


class Reading:
    """One answer as it comes in: what httptools tells of it."""

    __slots__ = ("_bare", "_bytes", "_enough", "_headed", "_parser", "body", "headers", "is_whole", "keeps", "status")

    def __init__(self, *, bare: bool, enough: int | None = None) -> None:
        """`bare`: it was HEAD that asked, so that no body follows whatever the headers say. After `enough` bytes of its
        body an answer counts as whole: the rest is nobody's business, and no other request goes on that connection."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.is_whole = False
        self.keeps = False
        """May another request follow on the same connection?"""
        self._bare = bare
        self._enough = enough
        self._headed = False
        self._bytes = 0
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Raises RemoteProtocolError for what is no answer, or one beyond all bounds. What comes after a whole one
        only ends the connection: it must not be taken for the next request's."""
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.keeps = False
            if not self.is_whole:
                raise httpx.RemoteProtocolError(str(error)) from error
        if self._bytes > (MOST_BYTES if self._headed else MOST_HEAD_BYTES):
            raise httpx.RemoteProtocolError("a very large answer")

    def release(self) -> None:
        """Nothing more is read. The parser and this hold each other."""
        del self._parser

    def ends_with_the_line(self) -> bool:
        """Nothing but the connection's end says that the body is over."""
        return self._headed and _FRAMING.isdisjoint(name.lower() for name, _ in self.headers)

    def on_message_begin(self) -> None:
        if self.is_whole:
            raise httpx.RemoteProtocolError("another answer, for which nobody asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:  # what comes later are trailers
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._headed = self.status >= httpx.codes.OK
        self.is_whole = self._headed and self._bare

    def on_body(self, body: bytes) -> None:
        if self._bare:
            return
        self.body += body
        if self._enough is not None and len(self.body) > self._enough:
            del self.body[self._enough :]
            self.is_whole = True

    def on_message_complete(self) -> None:
        if self._headed:
            self.is_whole = True
            self.keeps = self._parser.should_keep_alive()
        else:
            self.headers.clear()  # an interim answer's


class Connection(asyncio.Protocol):
    """Connected, and either idle or with one request under way."""

    def __init__(self) -> None:
        self.is_open = False
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._reading: Reading | None = None
        self._answered: asyncio.Future[None] | None = None
        self._full = False
        self._read_timeout: float | None = None

    async def exchange(
        self, request: bytes, *, bare: bool, write: float | None, read: float | None, enough: int | None = None
    ) -> Reading:
        """The answer. `write` and `read` are seconds without progress.

        Raises WriteTimeout, ReadTimeout, ReadError and RemoteProtocolError; after each of them, and when cancelled,
        the connection is closed.
        """
        self._reading = reading = Reading(bare=bare, enough=enough)
        self._answered = answered = self._loop.create_future()
        self._read_timeout = read
        try:
            self._transport.write(request)
            self._wake_in(write if self._full else read)
            await answered
        except BaseException:
            self.close()
            raise
        finally:
            self._reading = self._answered = None
            self._wake_in(None)
            reading.release()
        if not reading.keeps or self._transport.get_write_buffer_size():  # answered before it was all said
            self.close()
        return reading

    def rest(self, seconds: float) -> None:
        """Nothing is under way. After so long it is closed."""
        self._wake_in(seconds)

    def is_idle(self) -> bool:
        """May a request go out? Not where the other side has hung up, or has said something, that the event loop has
        not got round to telling yet."""
        return self.is_open and not self._look.poll(0)

    def close(self) -> None:
        self.is_open = False
        self._wake_in(None)
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._look = select.poll()
        self._look.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        if self._reading is None:
            self.close()  # nobody asked for anything
            return
        try:
            self._reading.feed(data)
        except httpx.RemoteProtocolError as error:
            self._end(error)
        else:
            if self._reading.is_whole:
                self._end()
            else:
                self._wake_in(self._read_timeout)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        self._wake_in(None)
        if self._reading is None:
            return
        if error is not None:
            self._end(httpx.ReadError(type(error).__name__))
        elif self._reading.ends_with_the_line():
            self._end()
        else:
            self._end(httpx.RemoteProtocolError("the line ended before the answer"))

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._reading is not None:
            self._wake_in(self._read_timeout)

    def _wake_in(self, seconds: float | None) -> None:
        """None: not at all."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if seconds is None else self._loop.call_later(seconds, self._woken)

    def _woken(self) -> None:
        if self._reading is None:
            self.close()
        else:
            self._end(httpx.WriteTimeout("nobody reads") if self._full else httpx.ReadTimeout("silence"))

    def _end(self, error: Exception | None = None) -> None:
        answered = self._answered
        if answered is None or answered.done():
            return
        if error is None:
            answered.set_result(None)
        else:
            answered.set_exception(error)
