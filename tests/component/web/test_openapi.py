"""What the OpenAPI document says, against rules such as Spectral's: nothing undescribed, nothing twice."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from shared.web.codes import CODES
from tests.component.web.document import SERVER, Json, operations, public_document
from tests.kit.stack import REPOSITORY

SCOPES = {"offers": "offers", "carts": "carts", "checkouts": "checkouts"}
OTHER_SCOPES = (
    *("releases:read", "releases:request", "releases:approve", "releases:break_glass", "releases:admin"),
    *("miles", "ops:read", "ops:write", "events:publish"),
    *("hub:read", "hub:write", "archive:read", "archive:replay"),
)
SENT = ("POST", "PUT", "PATCH")
REQUEST_ID = "X-Request-Id"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Json]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDBOX", "on")
        yield public_document(tmp_path_factory.mktemp("documents"))


def parameter(operation: Json, name: str) -> Json:
    found: Json = next(each for each in operation["parameters"] if each["name"] == name)
    return found


def referred(schema: object) -> set[str]:
    """The names of the schemas that one refers to."""
    return set(re.findall(r"#/components/schemas/(\w+)", str(schema)))


def reachable(document: Json, names: set[str]) -> set[str]:
    schemas, found = document["components"]["schemas"], set[str]()
    while names:
        found |= names
        names = set().union(*(referred(schemas[name]) for name in names)) - found
    return found


def test_it_is_valid_openapi(document: Json) -> None:
    validate(document)
    assert document["servers"][0]["url"] == SERVER
    assert document["info"]["description"]


def test_every_reference_leads_somewhere_and_nothing_is_left_over(document: Json) -> None:
    named = set(document["components"]["schemas"])
    assert reachable(document, referred(document["paths"])) == named


def test_no_two_schemas_have_one_name(document: Json) -> None:
    """Generated clients name their classes by the titles."""
    titles = Counter(each["title"] for each in document["components"]["schemas"].values() if "title" in each)
    assert {title for title, times in titles.items() if times > 1} == set()


def test_no_body_that_takes_a_grant_holds_a_secret(document: Json) -> None:
    """Whoever agrees reads it whole."""
    found = 0
    for _, path, operation in operations(document):
        if "Milesaga-Grant" not in {each["name"] for each in operation.get("parameters", ())}:
            continue
        found += 1
        names = reachable(document, referred(operation.get("requestBody", {})))
        told = str([operation.get("requestBody"), *(document["components"]["schemas"][name] for name in sorted(names))])
        assert "'writeOnly': True" not in told, path
        assert "'format': 'password'" not in told, path
    assert found >= 7


def test_a_problem_is_described_once(document: Json) -> None:
    assert str(document).count("RFC 9457 problem") + str(document).count("'title': 'Problem'") == 1
    for _, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                content = answer["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, path


def test_every_route_has_its_name_its_place_and_its_words(document: Json) -> None:
    found = list(operations(document))
    names = [operation["operationId"] for _, _, operation in found]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document["tags"]}
    for method, path, operation in found:
        assert operation["summary"], path
        assert operation["description"], path
        assert set(operation["tags"]) <= tags, path
        assert all(answer["description"] for answer in operation["responses"].values()), path
        for each in operation.get("parameters", []):
            assert each["description"], (method, path, each["name"])
            schema = each["schema"]
            assert {"enum", "examples", "$ref", "default"} & set(schema), (method, path, each["name"])
            assert {"type": "null"} not in schema.get("anyOf", []), "null has no form in a path, query or header"


def test_every_field_is_described_and_what_clients_send_has_an_example(document: Json) -> None:
    sent = reachable(
        document, {name for _, _, each in operations(document) for name in referred(each.get("requestBody"))}
    )
    for name, schema in document["components"]["schemas"].items():
        for field, about in schema.get("properties", {}).items():
            assert about.get("description") or "$ref" in about, f"{name}.{field} has no description"
            simple = about.get("type") in ("string", "integer", "number")
            if name in sent and simple and not {"enum", "const"} & set(about):
                assert about.get("examples"), f"{name}.{field} has no example"


def test_headers_are_required_where_the_server_requires_them(document: Json) -> None:
    buy = parameter(document["paths"]["/v1/checkouts"]["post"], "Idempotency-Key")
    assert buy["required"] is True
    assert re.fullmatch(buy["schema"]["pattern"], "a" * 255)
    assert not re.fullmatch(buy["schema"]["pattern"], "a b")
    for method, path, operation in operations(document):
        named = [each for each in operation.get("parameters", []) if each["name"] == "If-Match"]
        assert [each["required"] for each in named] == ([method == "PATCH"] if named else []), path
        for each in named:
            for good in ("*", '"3"', 'W/"3"', '"1", "2"'):
                assert re.fullmatch(each["schema"]["pattern"], good)
            assert not re.fullmatch(each["schema"]["pattern"], "3")
        assert not named or "412" in operation["responses"], path


def test_answers_name_the_headers_that_clients_use(document: Json) -> None:
    for _, path, operation in operations(document):
        for status, name in {"401": "WWW-Authenticate", "503": "Retry-After", "429": "Retry-After"}.items():
            assert status not in operation["responses"] or name in operation["responses"][status]["headers"], path
        assert operation["responses"].get("201", {}).get("headers", {"ETag": 1}).keys() >= {"ETag"}, path
    assert set(document["paths"]["/v1/carts"]["post"]["responses"]["201"]["headers"]) == {
        "ETag",
        "Location",
        REQUEST_ID,
    }
    assert set(document["paths"]["/v1/checkouts"]["post"]["responses"]["202"]["headers"]) == {"Location", REQUEST_ID}
    one = document["paths"]["/v1/carts/{cart_id}"]["get"]
    assert "ETag" in one["responses"]["200"]["headers"]
    assert "304" in one["responses"]
    assert parameter(one, "If-None-Match")["required"] is False


def test_every_request_may_have_an_id_and_every_answer_has_one(document: Json) -> None:
    assert document["components"]["headers"][REQUEST_ID]["required"] is True
    for _, path, operation in operations(document):
        assert parameter(operation, REQUEST_ID)["required"] is False, path
        for status, answer in operation["responses"].items():
            assert answer["headers"][REQUEST_ID] == {"$ref": f"#/components/headers/{REQUEST_ID}"}, (path, status)


def test_every_route_of_the_api_wants_a_token_with_the_scope_it_names(document: Json) -> None:
    """But those of webhooks, whose callers sign what they send."""
    for _, path, operation in operations(document):
        if path.startswith("/v1/") and not path.startswith("/v1/webhooks/"):
            (security,) = operation["security"]
            (scope,) = security["bearer"]
            expected = SCOPES.get(path.split("/")[2])
            assert scope == expected or (expected is None and scope in OTHER_SCOPES), path
        else:
            assert "security" not in operation, path


def test_streams_say_what_their_events_hold(document: Json) -> None:
    for path in ("/v1/checkouts/{checkout_id}/events", "/v1/operations/checkouts/{checkout_id}/events"):
        stream = document["paths"][path]["get"]["responses"]["200"]["content"]
        assert set(stream) == {"text/event-stream"}
        assert stream["text/event-stream"]["schema"]["x-event"]["data"]["$ref"].endswith("/CheckoutView")


def test_what_is_not_built_yet_is_marked(document: Json) -> None:
    schemas = document["components"]["schemas"]
    marked = (
        schemas["PixPayment"]["properties"]["method"],
        schemas["CardPayment"]["properties"]["installments"],
        schemas["CartChange"]["properties"]["promo_code"],
    )
    assert all(about["description"].startswith("Not built yet") for about in marked)


def test_every_code_is_listed_with_what_it_means_and_no_other(document: Json) -> None:
    """The codes in the sources are found by how they are written: a literal of that form where problems are made."""
    assert document["components"]["schemas"]["ProblemCode"]["enum"] == sorted(CODES)
    assert all(meaning.means and meaning.remedy and meaning.statuses for meaning in CODES.values())
    used = {code for file in sources() for code in codes_in(ast.parse(file.read_text()))}
    assert used - set(CODES) == set(), "a code that the table does not know"
    text = "".join(file.read_text() for file in sources())
    derived = {"if_match_malformed", "if_none_match_malformed"}
    assert {code for code in CODES if f'"{code}"' not in text} == derived, "codes that nobody says"


DOMAINS = (REPOSITORY / "services/cart/domain/cart.py", REPOSITORY / "services/hub/domain/admission.py")


def sources() -> list[Path]:
    found = [*REPOSITORY.glob("services/*/http/*.py"), *REPOSITORY.glob("shared/web/*.py")]
    found += [*REPOSITORY.glob("services/*/cases/*.py"), REPOSITORY / "shared/runtime/health.py"]
    return [*(file for file in found if file.name != "codes.py"), *DOMAINS]


MAKERS = {"Problem": 1, "try_again": 0, "CannotStart": 0, "CannotChange": 0, "WrongField": 2, "invalid_field": 2}
"""Where among its arguments each has the code."""


def codes_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
            place = MAKERS[node.func.id]
            if len(node.args) > place and isinstance(code := node.args[place], ast.Constant):
                yield str(code.value)


LIMITS_IN_PYTHON = {"ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of"}


def schemas_in(node: object) -> Iterator[Json]:
    if isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for each in node.values():
            yield from schemas_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from schemas_in(each)


def test_limits_have_the_names_that_json_schema_gives_them(document: Json) -> None:
    found = list(schemas_in(document))
    assert [schema for schema in found if LIMITS_IN_PYTHON & set(schema)] == []
    adults = parameter(document["paths"]["/v1/offers"]["get"], "adults")["schema"]
    assert (adults["minimum"], adults["maximum"]) == (1, 9)


def test_what_is_in_every_answer_is_required_in_its_schema(document: Json) -> None:
    """A field with a default of ours is there all the same: clients need not ask whether."""
    shown = reachable(
        document,
        {name for _, _, each in operations(document) for name in referred(each["responses"].get("200"))},
    )
    for name in shown - {"Problem", "Fault"}:
        schema = document["components"]["schemas"][name]
        assert set(schema.get("required", ())) == set(schema.get("properties", ())), name
