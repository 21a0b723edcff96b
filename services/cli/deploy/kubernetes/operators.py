"""What a real cluster has operators for: RabbitMQ, MongoDB, secrets, the way in, and what Prometheus reads."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.cli.deploy.kubernetes.broker import CLUSTER
from services.cli.deploy.kubernetes.canary import ROLLOUT_INFO, ROLLOUTS, ROLLOUTS_METRICS, TRACK
from services.cli.deploy.kubernetes.objects import PART_OF, PORT, ROLE, Object, named, resource
from services.cli.deploy.kubernetes.secrets import SCALER, provider_variables
from services.cli.deploy.kubernetes.workload import arm_first
from shared.runtime.description import ANY, Description, pattern
from shared.store.mongo import database_name

NODES: Final = 3
DEFINITIONS: Final = "rabbitmq-definitions"
MONGODB_VERSION: Final = "8.0.12"
SPREAD: Final = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def rabbitmq(configuration: str) -> Object:
    """Three nodes; its queues are quorum queues, which grow onto all of them by themselves."""
    labels = {"app.kubernetes.io/name": CLUSTER}
    mounted = {"name": "definitions", "mountPath": "/etc/milesaga", "readOnly": True}
    pod = {
        "containers": [{"name": "rabbitmq", "volumeMounts": [mounted]}],
        "volumes": [{"name": "definitions", "configMap": {"name": DEFINITIONS}}],
    }
    spec = {
        "replicas": NODES,
        "persistence": {"storage": "20Gi"},
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
        "rabbitmq": {"additionalConfig": configuration},
        "affinity": {"nodeAffinity": arm_first()},
        "terminationGracePeriodSeconds": 600,
        "override": {
            "statefulSet": {
                "spec": {
                    "template": {
                        "metadata": {"labels": {ROLE: "broker"}},
                        "spec": {**pod, "topologySpreadConstraints": [_spread(key, labels) for key in SPREAD]},
                    }
                }
            }
        },
    }
    return named("RabbitmqCluster", "rabbitmq.com/v1beta1", CLUSTER, spec=spec)


def mongodb(house: Iterable[Description]) -> Object:
    """Three members; a user per service that reads and writes its own database alone, and one that only looks."""
    names = [each.name for each in house]
    users = [_mongo_user(name, [{"db": database_name(name), "name": "readWrite"}]) for name in names]
    users.append(_mongo_user(SCALER, [{"db": database_name(name), "name": "read"} for name in names]))
    pod = {
        "metadata": {"labels": {ROLE: "store"}},
        "spec": {"affinity": {"nodeAffinity": arm_first()}},
    }
    spec = {
        "members": NODES,
        "type": "ReplicaSet",
        "version": MONGODB_VERSION,
        "security": {"authentication": {"modes": ["SCRAM"]}},
        "users": users,
        "statefulSet": {"spec": {"template": pod}},
    }
    return named("MongoDBCommunity", "mongodbcommunity.mongodb.com/v1", "mongodb", spec=spec)


def route(house: Sequence[Description]) -> Object:
    """The public paths, each to the service that answers it."""
    patterns = [path for each in house for path in each.public if ANY in path]
    rules = [
        {
            "matches": [{"path": _match(path, patterns)} for path in each.public],
            "backendRefs": [{"name": resource(each.name), "port": PORT}],
            # event streams of a purchase last as long as it does
            "timeouts": {"request": "0s"},
        }
        for each in house
        if each.public
    ]
    spec = {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": ["HOST"], "rules": rules}
    return named("HTTPRoute", "gateway.networking.k8s.io/v1", PART_OF, spec=spec)


def _match(path: str, patterns: Iterable[str]) -> Object:
    """No request matches two of them, but beginnings of which one is longer: whether an expression or a beginning goes
    first differs from gateway to gateway. Some match whole paths, others look for their beginnings."""
    if ANY in path:
        return _regular(f"{pattern(path)}(/.*)?")
    within = [each for each in patterns if each.startswith(f"{path}/")]
    if not within:
        return {"type": "PathPrefix", "value": path}
    if len(within) > 1:
        raise ValueError(f"{path}: two patterns within it, {' and '.join(within)}")
    return _regular(f"{pattern(path)}{_other_than(within[0].removeprefix(f'{path}/').split('/'))}")


def _regular(expression: str) -> Object:
    return {"type": "RegularExpression", "value": f"{expression}$"}


def _other_than(segments: Sequence[str]) -> str:
    """What may follow a beginning so that it does not go on by these segments, in the words that all engines have."""
    first, *rest = segments
    if first == ANY:
        return f"(/[^/]*{_other_than(rest)})?"
    if rest:
        raise ValueError(f"a pattern must end with the word that follows its first *, not with {'/'.join(segments)}")
    return f"(/{_another_word(first)}(/.*)?)?"


def _another_word(word: str) -> str:
    """A segment, an empty one too, that is not the word."""
    if not word:
        return "[^/]+"
    return f"([^/{word[0]}][^/]*|{word[0]}{_another_word(word[1:])})?"


def service_monitor() -> Object:
    """Every service's counters, with what a canary's analysis tells versions apart by."""
    known = {"app": "app_kubernetes_io_name", "track": "milesaga_example_track"}
    relabelings = [
        {"sourceLabels": [f"__meta_kubernetes_service_label_{label}"], "targetLabel": name}
        for name, label in known.items()
    ]
    spec = {
        "selector": {"matchExpressions": [{"key": TRACK, "operator": "Exists"}]},
        # `service` is a label of ours; the operator would have it be the Service's name
        "endpoints": [
            {"port": "http", "path": "/metrics", "interval": "15s", "honorLabels": True, "relabelings": relabelings}
        ],
    }
    return named("ServiceMonitor", "monitoring.coreos.com/v1", "services", spec=spec)


def rollouts_monitor() -> Object:
    """What Argo Rollouts' controller says of each Rollout: an alert asks which of them wait for a person."""
    kept = {"sourceLabels": ["__name__"], "regex": ROLLOUT_INFO, "action": "keep"}
    spec = {
        "namespaceSelector": {"matchNames": [ROLLOUTS]},
        "selector": {"matchLabels": {"app.kubernetes.io/name": ROLLOUTS_METRICS}},
        # `namespace` is the Rollout's, not the controller's
        "endpoints": [
            {
                "port": "metrics",
                "path": "/metrics",
                "interval": "15s",
                "honorLabels": True,
                "metricRelabelings": [kept],
            }
        ],
    }
    return named("ServiceMonitor", "monitoring.coreos.com/v1", "rollouts", spec=spec)


def provider_patch(description: Description) -> list[Object]:
    """A JSON patch that gives a Rollout its providers' secrets: Kustomize cannot merge a Rollout's lists."""
    place = "/spec/template/spec/containers/0/env/-"
    return [{"op": "add", "path": place, "value": variable} for variable in provider_variables(description)]


def _mongo_user(name: str, roles: list[Object]) -> Object:
    return {
        "name": name,
        "db": "admin",
        "passwordSecretRef": {"name": f"{resource(name)}-store-user"},
        "roles": roles,
        "scramCredentialsSecretName": f"{resource(name)}-scram",
    }


def _spread(key: str, labels: dict[str, str]) -> Object:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
