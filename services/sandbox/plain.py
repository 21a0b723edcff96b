"""Routes that read their requests by themselves: FastAPI shows them in its document, and has no other part in them."""

from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class PlainRoute(APIRoute):
    """Its endpoint takes what stands in its path, as text, and the request where it names it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        wants_request = "request" in signature(endpoint).parameters

        async def handled(request: Request) -> Response:
            asked = {"request": request} if wants_request else {}
            answered: Response = await endpoint(**asked, **request.path_params)
            return answered

        return handled
