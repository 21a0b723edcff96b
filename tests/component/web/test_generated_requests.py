"""Requests that schemathesis makes of the document, before the real services.

What fits the document is not refused for its form, what does not fit is refused, and no answer is one that the document
does not know. The same requests every time; each operation gets so many of either kind.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.cart.http.bodies import NewPassenger
from shared.web.codes import CODES
from tests.component.web.document import MEMBER, Json, all_services, public_document
from tests.kit.clock import HandClock

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

EXAMPLES = 20
CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
FORM = {code for code, meaning in CODES.items() if set(meaning.statuses) & {400, 413, 415, 428}} | {"invalid_request"}
"""By these a request is refused for how it is written."""
BEYOND_A_SCHEMA = re.compile(
    r"must be another airport than from"
    r"|must not be in the past"
    r"|must be (a next_cursor|an `after`) as it came with the page before"
    r"|must be an integer of 64 bit|expected an integer of 64 bit, found a larger one"
    r"|must be 47 hours ago at most|must be left out beside `from` and `to`"
    r"|must be a day after `from` at most, where minutes are asked for"
    r"|looks at one place of the data more than .*|leads back to itself .*|tells too many kinds of places apart.*"
    r"|must be something that is kept: of .* nothing is that could order"
    r"|must be later than `from`|must not be in the future|must have each target once|must be a target that there is"
    r"|must be 31 days after `from` at most|is a feed: it is read from the archive itself"
    r"|must be left out beside `after`, which goes on from where it is"
    r"|must be 0 to \d+, what the fares cost in miles"
    r"|must be the index of a (segment|passenger), 0 to \d+"
    r"|must name exactly \d+, as many as the offer is for"
    r"|must be a date of birth, such as 1990-05-01"
    r"|must be a time such as 2027-01-20T10:00:00Z"
    r"|must have an integer of 64 bit|is no JSON Schema 2020-12|must lead into this schema: #\.\.\."
    r"|must be https://json-schema\.org/draft/2020-12/schema, or left out"
    r"|must be (a partner that there is|a service with a queue|none: no order is kept yet)"
    r"|exactly one of webhook, queue, service, feed is expected, found .*"
    r"|Say redact: .*|There is no key .*|must name fields: .*|is the user of another partner"
    r"|proves nobody: .*|is somebody's who stands not in the file of people"
    r"|must fit \w+: .*|is not a field here|has no canonical form: .*|must be after the beginning"
    r"|the log (has no such leaf, or )?is not so long.*"
)
"""What depends on the day, on another field, or on what is there."""
OF_THE_LANGUAGE = re.compile(r"(/bus)?/(pattern|when|admits|rules/[0-9]+/(when|template|as|to|name))(/.*)?", re.DOTALL)
"""Fields of any JSON, in which a language of its own is spoken, and what names other parts of the same file."""
SHORT_ADDRESS = "^[a-z0-9+]{1,8}@[a-z0-9]{1,8}[.](example|test)$"
"""Instead of the document's pattern, which test_mailbox.py tries, and from which making addresses takes a minute."""
OF_A_TIME = {"/v1/hub/backtests", "/v1/hub/replays"}
A_DAY = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
"""By chance two times are hardly ever in this order and near enough to each other."""
ANA = NewPassenger(given_name="Ana", surname="Souza", birth_date="1990-05-01", document="FX123456").model_dump()

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]
Send = Callable[[Request], httpx.Response]


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDBOX", "on")
        yield patch


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> list[Operation]:
    """Without tokens, which schemathesis would make up: test_auth.py tells what becomes of those."""
    document = public_document(tmp_path_factory.mktemp("document"))
    paths = {path: item for path, item in document["paths"].items() if path.startswith("/v1/")}
    for item in paths.values():
        for operation in item.values():
            operation.pop("security", None)  # webhooks have none: they are signed
    email: Json = document["components"]["schemas"]["CustomerContact"]["properties"]["email"]
    email["pattern"] = SHORT_ADDRESS
    schema = schemathesis.openapi.from_dict(document | {"paths": paths})
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """The services' event loop, in a thread: schemathesis asks and waits."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def api(
    portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch
) -> Iterator[httpx.AsyncClient]:
    folder: Path = tmp_path_factory.mktemp("house")
    with portal.wrap_async_context_manager(all_services(folder, patch)) as client:
        yield client


@pytest.fixture
def send(portal: BlockingPortal, api: httpx.AsyncClient) -> Send:
    def sent(case: Request) -> httpx.Response:
        made = case.as_transport_kwargs(base_url=str(api.base_url))
        headers = {name.encode(): value.encode("latin-1", "replace") for name, value in made["headers"].items()}
        body = {"json" if "json" in made else "content": made.get("json", made.get("data"))}
        request = api.build_request(made["method"], made["url"], params=made.get("params"), headers=headers, **body)
        return portal.call(api.send, request)

    return sent


async def what_is_there(api: httpx.AsyncClient) -> dict[str, str]:
    """A purchase under way, and a cart with a flight."""
    day = (HandClock().now() + timedelta(days=40)).date().isoformat()
    found = await api.get("/v1/offers", params={"from": "GRU", "to": "LIS", "date": day})
    assert found.status_code == 200, found.text
    offer_id = found.json()["offers"][0]["id"]
    flight = {"kind": "flight", "offer_id": offer_id, "passengers": [ANA]}
    carts = []
    for _ in range(2):
        cart_id = (await api.post("/v1/carts", json={"channel": "portal", "currency": "BRL"})).json()["id"]
        carts.append((await api.post(f"/v1/carts/{cart_id}/items", json=flight)).json())
    payment, contact = {"method": "card", "token": "tok_visa"}, {"email": "ana@example.com"}
    order = {"cart_id": carts[0]["id"], "payment": payment, "contact": contact}
    bought = await api.post("/v1/checkouts", json=order, headers={"Idempotency-Key": carts[0]["id"]})
    cart = carts[1]
    await api.put("/v1/hub/types/retail.there.v1", json={"schema": {}})
    terms = {"clients": [MEMBER], "publishes": ["*"], "strict_types": False, "rate": {"burst": 100_000}}
    assert (await api.put("/v1/hub/partners/ours", json=terms)).is_success
    event = {"specversion": "1.0", "id": "e-1", "source": "/x", "type": "retail.there.v1"}
    as_event = {"Content-Type": "application/cloudevents+json"}
    assert (await api.post("/v1/events", content=json.dumps(event), headers=as_event)).is_success
    bus = {"partner": "ours", "rules": [], "targets": {"own": {"feed": True}}}
    assert (await api.put("/v1/hub/buses/there", json=bus)).is_success
    hub = {"partner": "ours", "event_id": "e-1", "type_name": "retail.there.v1", "bus": "there", "target": "own"}
    ids = hub | {"offer_id": offer_id, "cart_id": cart["id"], "item_id": cart["items"][0]["id"], "name": "ask"}
    return ids | {"checkout_id": bought.json()["id"]}


def requests_of(operation: Operation, mode: GenerationMode, check: Callable[[Request], None]) -> int:
    """Try the operation's requests; how many there were. None where nothing can be wrong: any text may be an id."""
    tried = 0

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Request) -> None:
        nonlocal tried
        tried += 1
        check(case)

    try:
        each()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label
    return tried


def as_clients_write_it(value: Any) -> Any:
    """Whole numbers without a fraction: JSON Schema takes 1.0 for one, and cannot say that we do not."""
    if isinstance(value, dict):
        return {name: as_clients_write_it(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_clients_write_it(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def with_what_is_there(case: Request, ids: dict[str, str]) -> None:
    """The ids of real things, where an id alone decides whether anything else of a request is looked at."""
    case.path_parameters |= {name: ids[name] for name in case.path_parameters if name in ids}
    if "wait" in case.query:
        case.query["wait"] = 0  # nothing comes
    if isinstance(case.body, dict):
        named = {name: ids[name] for name, value in case.body.items() if name in ids and isinstance(value, str)}
        case.body = as_clients_write_it(case.body) | named
    elif isinstance(case.body, list):
        case.body = as_clients_write_it(case.body)


def assert_not_for_its_form(response: httpx.Response, label: str) -> None:
    if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
        return
    problem = response.json()
    if problem["code"] in FORM:
        assert problem.get("errors"), f"{label}: {response.text}"
        faults = problem["errors"]
        said = [fault["detail"] for fault in faults if not OF_THE_LANGUAGE.fullmatch(fault.get("pointer", ""))]
        assert all(map(BEYOND_A_SCHEMA.fullmatch, said)), f"{label}: {response.text}"


def test_what_fits_the_document_is_not_refused_for_its_form(
    operations: list[Operation], send: Send, portal: BlockingPortal, api: httpx.AsyncClient
) -> None:
    answered = Counter[tuple[str, bool]]()
    for operation in operations:
        ids = portal.call(what_is_there, api)
        if operation.path.endswith("/events"):
            del ids["checkout_id"]  # it would be followed to its end, which does not come here
        if operation.path in OF_A_TIME:
            ids |= A_DAY

        def check(case: Request, label: str = operation.label, ids: dict[str, str] = ids) -> None:
            with_what_is_there(case, ids)
            response = send(case)
            assert_not_for_its_form(response, label)
            case.validate_response(response, checks=CHECKED)
            answered[label, response.is_success] += 1

        assert requests_of(operation, GenerationMode.POSITIVE, check)
    never = {operation.label for operation in operations if not answered[operation.label, True]}
    never = {label for label in never if "/v1/hub/targets/{bus}" not in label}  # it is the broker that tells of targets
    assert never <= NEVER_WELL, f"only ever refused: {', '.join(sorted(never - NEVER_WELL))}"


NEVER_WELL = {
    "POST /v1/carts/{cart_id}/items",  # the one flight is in the cart, and no seat is hit by chance
    "POST /v1/checkouts",  # nor a payment of what is due
    "POST /v1/hub/buses/{bus}/rollback",  # nor the one revision that there is
    "POST /v1/hub/match",  # nor is anything made by chance a pattern
    "POST /v1/hub/replays",  # nor a target that may be replayed to
    "GET /v1/hub/replays/{replay}",
    "PATCH /v1/hub/replays/{replay}",
    "GET /v1/hub/backtests/{backtest}",
    "PATCH /v1/hub/backtests/{backtest}",
    "GET /v1/checkouts/{checkout_id}/events",
    "GET /v1/operations/checkouts/{checkout_id}/events",
    "POST /v1/webhooks/chat/slack/interactions",  # nor is it signed
    "DELETE /v1/releases/freezes/{freeze_id}",  # nor is there a freeze, a text, a request or a grant
    "DELETE /v1/releases/texts/{text_id}",
    "GET /v1/releases/log/receipts/{request_id}",
    "GET /v1/releases/requests/{request_id}",
    "GET /v1/releases/requests/{request_id}/events",
    "POST /v1/releases/executions/{execution_id}/outcome",
    "POST /v1/releases/grants/redeem",
    "POST /v1/releases/requests/{request_id}/break-glass",
    "POST /v1/releases/requests/{request_id}/decisions",
    "POST /v1/releases/requests/{request_id}/grant",
    "POST /v1/releases/requests/{request_id}/review",
    "POST /v1/releases/requests/{request_id}/revoke",
    "POST /v1/releases/requests/{request_id}/withdraw",
}


def results_of(response: httpx.Response) -> list[Json]:
    """What became of each event of a batch."""
    body = response.json() if response.content else {}
    found: list[Json] = body.get("results", []) if isinstance(body, dict) else []
    return found


def test_what_does_not_fit_the_document_is_refused(operations: list[Operation], send: Send) -> None:
    tried = 0
    for operation in operations:

        def check(case: Request) -> None:
            response = send(case)
            if response.is_success and any(each["status"] == "refused" for each in results_of(response)):
                return  # each event is judged by itself
            if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                return  # a batch of too many: that it is a refusal, the check of refusals does not know
            case.validate_response(response, checks=CHECKED)

        tried += requests_of(operation, GenerationMode.NEGATIVE, check)
    assert tried > 20 * EXAMPLES
