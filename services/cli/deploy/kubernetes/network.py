"""Who may speak to whom: nobody to anybody, but for what a service's description says."""

from collections.abc import Iterable
from typing import Any, Final

from services.cli.deploy.kubernetes.objects import PORT, ROLE, Object, named, resource, selected
from services.cli.deploy.kubernetes.secrets import settings_of
from shared.runtime.description import Description
from shared.runtime.providers import Provider

AMQP: Final = (5671, 5672)
MONGODB: Final = 27017
HTTPS: Final = 443
MAIL: Final = (465, 587)
ISSUER: Final = "192.0.2.10/32"
"""An address of nobody's (RFC 5737): an overlay names its own issuer's."""
PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
"""Providers are outside: neither a neighbor nor the cloud's own metadata."""

OURS: Final = {"matchExpressions": [{"key": ROLE, "operator": "NotIn", "values": ["broker", "store"]}]}
"""Not the nodes that operators make: who speaks with whom there is theirs to say."""


def default_deny() -> Object:
    spec = {"podSelector": OURS, "policyTypes": ["Ingress", "Egress"]}
    return named("NetworkPolicy", "networking.k8s.io/v1", "default-deny", spec=spec)


def names() -> Object:
    """Everybody may ask for names."""
    spec = {
        "podSelector": OURS,
        "policyTypes": ["Egress"],
        "egress": [{"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}],
    }
    return named("NetworkPolicy", "networking.k8s.io/v1", "names", spec=spec)


def issuer(house: Iterable[Description]) -> Object:
    """Whoever checks tokens fetches the issuer's keys: from its addresses, which stand in the overlay, and from no
    others. A name cannot stand here."""
    checking = [resource(each.name) for each in house if each.public]
    spec = {
        "podSelector": {
            "matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In", "values": checking}],
        },
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"ipBlock": {"cidr": ISSUER}}], "ports": _ports(HTTPS)}],
    }
    return named("NetworkPolicy", "networking.k8s.io/v1", "issuer", spec=spec)


def of_service(description: Description, house: Iterable[Description]) -> Object:
    """Broker, its store, the services it asks, and what is outside: its providers, or whoever strangers name."""
    askers = [each.name for each in house if description.name in each.asks]
    may_come: list[Object] = [_role("monitoring"), _namespace("monitoring"), *map(_service, askers)]
    if description.public:
        may_come += [_role("gateway"), _namespace("gateways")]
    egress = [
        {"to": [_role("broker")], "ports": _ports(*AMQP)},
        {"to": [_role("store")], "ports": _ports(MONGODB)},
        *({"to": [_service(each)], "ports": _ports(PORT)} for each in description.asks),
    ]
    if ports := _outside(description):
        egress.append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}}], "ports": _ports(*ports)})
    spec = {
        "podSelector": {"matchLabels": selected(description.name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": may_come, "ports": _ports(PORT)}],
        "egress": egress,
    }
    return named("NetworkPolicy", "networking.k8s.io/v1", resource(description.name), spec=spec)


def _outside(description: Description) -> list[int]:
    """Ports outside: its providers' APIs, its mail server, endpoints that strangers name."""
    classes = list(settings_of(description))
    https = description.outward or any(issubclass(each, Provider) for each in classes)
    mail = any("smtp" in str(each.model_config.get("env_prefix", "")).lower() for each in classes)
    return [*([HTTPS] if https else []), *(MAIL if mail else ())]


def _role(name: str) -> Object:
    return {"podSelector": {"matchLabels": {ROLE: name}}}


def _namespace(name: str) -> Object:
    """Where a cluster has its own gateway and its own Prometheus."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _service(name: str) -> Object:
    return {"podSelector": {"matchLabels": selected(name)}}


def _ports(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]
