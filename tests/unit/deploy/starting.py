"""What a pod of an overlay would find in its environment, on this machine: settings, files, secrets of a right form."""

from base64 import b64encode
from pathlib import Path
from typing import Final

from shared.runtime.environment import FILE
from tests.unit.deploy.manifests import Object

KEY: Final = b64encode(bytes(32)).decode()
SECRETS: Final = {
    "BROKER_URL": "amqp://somebody:given@rabbitmq:5672/",
    "MONGODB_URL": "mongodb://somebody:given@mongodb:27017/",
    "NOTIFICATIONS_SMTP_URL": "smtps://somebody:given@mail.example:465",
    "PAYMENT_STRIPE_SECRET_KEY": "sk_test_given",
    "RELEASES_SIGNING_KEY": KEY,
    "DELIVERY_MASTER_KEY": KEY,
}
"""As whoever keeps the secrets would have them, where not any text will do."""
ANY: Final = "given-" * 8


def environment(overlay: list[Object], service: str, folder: Path) -> dict[str, str]:
    """The variables of a service's container; whatever they name lies in `folder`."""
    (pod,) = [
        each["spec"]["template"]["spec"]
        for each in overlay
        if each["kind"] == "Rollout" and each["metadata"]["name"] == service
    ]
    (container,) = pod["containers"]
    maps = {each["metadata"]["name"]: each["data"] for each in overlay if each["kind"] == "ConfigMap"}
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        found |= maps[source["configMapRef"]["name"]]
    found |= {each["name"]: each["value"] for each in container["env"]}
    for path, text in _mounted(pod, container, maps).items():
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        found = {name: str(place) if value == path else value for name, value in found.items()}
    return {name: _secret(name, value, folder) for name, value in found.items()}


def _mounted(pod: Object, container: Object, maps: dict[str, dict[str, str]]) -> dict[str, str]:
    """The texts of files from ConfigMaps, by their paths in the container."""
    sources = {each["name"]: each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
    return {
        f"{mount['mountPath']}/{name}": text
        for mount in container["volumeMounts"]
        if mount["name"] in sources
        for name, text in maps[sources[mount["name"]]].items()
    }


def _secret(variable: str, value: str, folder: Path) -> str:
    if not variable.endswith(FILE):
        return value
    place = folder / Path(value).name
    place.write_text(SECRETS.get(variable.removesuffix(FILE), ANY))
    return str(place)
