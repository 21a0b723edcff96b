"""Files that run the whole house by Docker Compose on one machine, made from the list of services."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.cli.deploy.compose.secrets import password_variable, store_password_variable
from services.cli.deploy.tree import Tree
from shared.runtime.addresses import SANDBOX
from shared.runtime.description import ANY, Description, pattern
from shared.store.mongo import database_name
from shared.web.problems import Problem, not_found, try_again

FILES: Final = {
    "docker-compose.yml": "docker-compose.yml",
    "nginx.conf": "deploy/gateway/nginx.conf",
    "users.js": "deploy/mongodb/users.js",
    "prometheus.yml": "deploy/prometheus/prometheus.yml",
}
"""Where each template's text belongs."""
IMAGES: Final = {
    "nginx": "1.28.0",
    "rabbitmq": "4.3.3-management",
    "mongo": "8.0.17",
    "prometheus": "v3.5.0",
    "grafana": "12.4.0",
    "otel": "0.150.1",
    "jaeger": "2.17.0",
}
"""Others' images, by version: whoever starts the stack again gets what was tried."""
MADE: Final = "Made by `make manifests` from services/house.py and services/cli/deploy/compose: change it there."
HINT: Final = "it stands in .env, which `make up` fills"


def tree(house: Sequence[Description]) -> Tree:
    """The files, by their paths from the repository's top."""
    templates = Environment(
        loader=PackageLoader(__name__),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML and nginx's language, of nothing that strangers say
    )
    given = _given(house)
    return {path: templates.get_template(name).render(given) for name, path in FILES.items()}


def routes(house: Sequence[Description]) -> list[tuple[str, str]]:
    """Beginnings of public paths and who answers them, the sandbox's among them."""
    paths = [(path, each.name) for each in house for path in each.public if ANY not in path]
    return [*paths, (f"/{SANDBOX}", SANDBOX)]


def patterns(house: Sequence[Description]) -> list[tuple[str, str]]:
    """Those that go by a pattern, before the others."""
    return [(f"^{pattern(path)}(/|$)", each.name) for each in house for path in each.public if ANY in path]


def _given(house: Sequence[Description]) -> dict[str, Any]:
    return {
        "made": MADE,
        "version": version("milesaga"),
        "images": IMAGES,
        "hint": HINT,
        "house": house,
        "names": [each.name for each in house],
        "routes": routes(house),
        "patterns": patterns(house),
        "password": password_variable,
        "secret": _secret,
        "broker_url": _broker_url,
        "database": database_name,
        "store_password": store_password_variable,
        "store_url": _store_url,
        "away": _body(try_again("unavailable", "The service for this is away; try again.")),
        "nowhere": _body(not_found("path")),
    }


def _secret(variable: str) -> str:
    """A variable of `.env`, as Compose reads it; without it nothing starts."""
    return f"${{{variable}:?{HINT}}}"


def _broker_url(user: str) -> str:
    return f"amqp://{user}:{_secret(password_variable(user))}@rabbitmq:5672/"


def _store_url(service: str) -> str:
    return f"mongodb://{service}:{_secret(store_password_variable(service))}@mongodb:27017/?authSource=admin"


def _body(problem: Problem) -> str:
    """A problem as services answer it, without the path: the gateway does not quote what it cannot read."""
    body = json.loads(bytes(problem.response("").body))
    del body["instance"]
    return json.dumps(body)
