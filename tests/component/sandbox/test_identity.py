import jwt
import pytest

from tests.kit.world import World, read_token

CLIENT = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "sandbox"}


async def test_a_token_names_the_member_and_can_be_checked_with_the_published_keys(world: World) -> None:
    response = await world.http.post("/sandbox/oauth/token", data=CLIENT | {"member": "ana"})
    answer = response.json()
    keys = await world.get("/sandbox/oauth/jwks.json")
    claims = read_token(answer["access_token"], keys, f"{world.url}/sandbox/oauth", world.now())
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "offers carts checkouts miles")
    assert claims["sub"] == "ana"
    assert claims["scope"] == "offers carts checkouts miles"
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 12 * 3600


async def test_without_a_member_the_subject_is_the_client(world: World) -> None:
    response = await world.http.post(
        "/sandbox/oauth/token",
        data={"grant_type": "client_credentials", "scope": "ops:read"},
        auth=("portal", "sandbox"),
    )
    claims = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["scope"]) == ("portal", "ops:read")


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"scope": "offers everything"}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_token_request_is_refused_by_oauths_names(
    world: World, changed: dict[str, str], status: int, error: str
) -> None:
    response = await world.http.post("/sandbox/oauth/token", data=CLIENT | changed)
    assert (response.status_code, response.json()["error"]) == (status, error)


async def test_discovery_leads_to_the_keys(world: World) -> None:
    found = await world.get("/sandbox/oauth/.well-known/openid-configuration")
    assert found["issuer"] == f"{world.url}/sandbox/oauth"
    assert (await world.http.get(found["jwks_uri"])).json() == await world.get("/sandbox/oauth/jwks.json")
    assert (await world.http.post(found["token_endpoint"], data=CLIENT)).status_code == 200


async def test_a_token_from_before_a_restart_is_still_good(world: World) -> None:
    token = (await world.http.post("/sandbox/oauth/token", data=CLIENT)).json()["access_token"]
    await world.restart()
    keys = await world.get("/sandbox/oauth/jwks.json")
    assert read_token(token, keys, f"{world.url}/sandbox/oauth", world.now())["sub"] == "portal"
