"""What can be set, and whether what is set would do."""

import json
import os
import re
from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from typer.testing import CliRunner, Result

from services.cli.config import app, as_env, every_variable
from shared.runtime.settings import Settings
from shared.runtime.variables import Variable, variables

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200", **environment})


def listed(*arguments: str) -> dict[str, dict[str, object]]:
    result = run("list", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return {each["name"]: each for each in json.loads(result.stdout)["variables"]}


class Shop(Settings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")

    key: SecretStr = Field(min_length=4)
    """Our key
    at the shop."""
    seconds: float = Field(default=30.0, gt=0)
    """How long it may take."""
    open_late: bool = True
    nothing: str | None = None
    """Not given."""


class SandboxShop(Shop):
    key: SecretStr = SecretStr("sandbox")
    seconds: float = Field(default=0.5, gt=0)


def test_a_variable_is_told_as_it_would_be_set() -> None:
    assert variables(Shop, "shop", SandboxShop) == [
        Variable("SHOP_KEY", "shop", "Our key at the shop.", required=True, secret=True),
        Variable("SHOP_SECONDS", "shop", "How long it may take.", "30", "0.5"),
        Variable("SHOP_OPEN_LATE", "shop", "", "on"),
        Variable("SHOP_NOTHING", "shop", "Not given."),
    ]


def test_every_variable_has_a_meaning_and_is_told_once() -> None:
    found = every_variable()
    assert [each.name for each in found if not each.meaning] == []
    assert len({each.name for each in found}) == len(found)


def test_a_services_variables_are_those_that_it_reads() -> None:
    found = listed("payment")
    assert {each["readers"] for each in found.values()} == {"every process", "payment"}
    assert {"BROKER_URL", "PAYMENT_STRIPE_SECRET_KEY"} <= found.keys()
    assert {"CART_URL", "CART_SECONDS"} & found.keys() == set()
    assert "CART_URL" in listed("checkout")


def test_secrets_are_told_from_others_with_the_variable_for_their_file() -> None:
    files = {each["file"] for each in listed().values() if each["secret"]}
    assert files == {
        "BROKER_URL_FILE",
        "MONGODB_URL_FILE",
        "INTERNAL_TOKEN_FILE",
        "OFFERS_SABRE_CLIENT_SECRET_FILE",
        "TICKETING_SABRE_CLIENT_SECRET_FILE",
        "PAYMENT_STRIPE_SECRET_KEY_FILE",
        "NOTIFICATIONS_SMTP_URL_FILE",
        "HUB_REDACTION_KEY_FILE",
        "DELIVERY_MASTER_KEY_FILE",
        "DELIVERY_FORMER_MASTER_KEY_FILE",
        "RELEASES_SIGNING_KEY_FILE",
        "RELEASES_SLACK_BOT_TOKEN_FILE",
        "RELEASES_SLACK_SIGNING_SECRET_FILE",
        "MILESAGA_TOKEN_FILE",
    }


def test_no_value_that_is_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("list", PAYMENT_STRIPE_SECRET_KEY="s3cret-key", BROKER_URL="amqp://ana:s3cret-word@host/")
    assert "PAYMENT_STRIPE_SECRET_KEY" in result.stdout
    assert "s3cret" not in result.stdout


def test_the_example_of_an_environment_is_what_the_classes_say() -> None:
    assert (REPOSITORY / ".env.example").read_text() == as_env(every_variable()), "run `make docs`"


def test_the_example_sets_nothing_and_a_copy_of_it_with_all_defaults_would_do() -> None:
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    given = dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.+)$", "\n".join(lines), re.MULTILINE))
    assert len(given) > 60
    real = {"OFFERS_SABRE_URL", "TICKETING_SABRE_URL", "PAYMENT_STRIPE_URL"}
    assert real <= given.keys()
    result = run("check", **{name: value for name, value in given.items() if name not in real})
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_check_of_a_laptop_is_good() -> None:
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "Good for every service.\n")


def test_a_check_names_every_fault_in_a_line_of_its_own_and_exits_with_2() -> None:
    wrong = {"PORT": "eighty", "CART_SECONDS": "0", "PAYMENT_STRIPE_URL": "stripe", "HTTPS_CA_FILE": "/none"}
    result = run("check", **wrong)
    assert result.exit_code == 2
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        "HTTPS_CA_FILE",
        "PORT",
        "CART_SECONDS",
        "PAYMENT_STRIPE_URL",
    ]
    told = json.loads(run("check", "--json", **wrong).stdout)["faults"]
    assert [each.partition(": ")[0] for each in told] == [
        line.partition(": ")[0] for line in result.stderr.splitlines()
    ]


def test_a_check_of_one_service_says_nothing_of_others() -> None:
    assert run("check", "payment", CART_SECONDS="0").exit_code == 0
    assert run("check", "payment", "cart", CART_SECONDS="0").exit_code == 2


def test_the_sandbox_may_be_asked_for_by_name() -> None:
    assert run("check", HOST="0.0.0.0").exit_code == 2
    assert run("check", "cart", "sandbox", HOST="0.0.0.0").exit_code == 0


@pytest.mark.parametrize("command", ["list", "check"])
def test_an_unknown_service_is_answered_with_the_known_ones(command: str) -> None:
    result = run(command, "payments")
    assert result.exit_code == 2
    assert "'payments' is no service" in result.stderr
    assert "notifications" in result.stderr


def test_a_name_with_a_slip_in_it_is_told_and_is_no_fault() -> None:
    result = run("check", HUB_SWEEP_SHARES="0.5", HUB_SERVICE_HOST="10.0.0.1", HUB_PORT="tcp://10.0.0.1:80")
    assert result.exit_code == 0
    assert result.stderr == "HUB_SWEEP_SHARES: nothing reads a variable of this name; did you mean HUB_SWEEP_SHARE?\n"
    assert (
        run("check", PAYMENT_BROKER_PASSWORD="x" * 16, PAYMENT_STRIPE_SECRET_KEY_FILE="/dev/null").stderr.count("reads")
        == 0
    )


def test_where_another_service_is_has_to_be_a_url() -> None:
    result = run("check", CART_URL="carts")
    assert (result.exit_code, result.stderr) == (2, "CART_URL: must be a URL: relative URL without a base\n")
