"""What the generated document says of the checkout's routes."""

from fastapi import FastAPI

from tests.component.checkout.conftest import Desk

PROBLEM = "application/problem+json"


async def test_every_refusal_is_described_as_a_problem(desk: Desk) -> None:
    app = FastAPI()
    assert desk.service.router is not None
    app.include_router(desk.service.router)
    for path, methods in app.openapi()["paths"].items():
        for method, route in methods.items():
            refusals = {status: answer for status, answer in route["responses"].items() if status >= "400"}
            assert {"401", "403", "422", "503"} <= set(refusals), f"{method} {path}"
            assert all(list(answer["content"]) == [PROBLEM] for answer in refusals.values()), f"{method} {path}"
    buying = app.openapi()["paths"]["/v1/checkouts"]["post"]["responses"]
    assert {"400", "404", "409", "413", "415"} <= set(buying)
