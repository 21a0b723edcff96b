"""An S3 of this machine over HTTP: moto's, which is not ours."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any
from unittest.mock import patch
from urllib.request import Request, urlopen

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

IDENTITY = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret", "AWS_REGION": "us-east-1"}
Application = Callable[[Any, Any], Iterable[bytes]]


class Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug calls it so
        """Requests are nobody's news."""


def one_at_a_time(application: Application) -> Application:
    """Moto looks at a condition, and then writes: a store does both in one."""
    lock = Lock()

    def alone(environ: Any, start: Any) -> Iterable[bytes]:
        with lock:
            return list(application(environ, start))

    return alone


class S3:
    """Its buckets are made by asking for them. It may be away."""

    def __init__(self) -> None:
        self._application = one_at_a_time(DomainDispatcherApplication(create_backend_app))
        self.away = False
        server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=Silent)
        self.endpoint = f"http://127.0.0.1:{server.server_port}"
        self._server = server
        self._thread = Thread(target=server.serve_forever, daemon=True)
        self._thread.start()

    def bucket(self, name: str) -> str:
        """Its address."""
        with urlopen(Request(f"{self.endpoint}/{name}", method="PUT"), timeout=10):  # noqa: S310 - it is ours
            return f"s3://{name}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: Any, start: Any) -> Iterable[bytes]:
        if self.away:
            start("503 Service Unavailable", [("Content-Length", "0")])
            return []
        return self._application(environ, start)


@contextmanager
def s3() -> Iterator[S3]:
    """Whoever asks it in the meantime is somebody."""
    made = S3()
    try:
        with patch.dict(os.environ, IDENTITY):
            yield made
    finally:
        made.close()
