"""How many replicas of a service there are: by its own queue, and what else is work for it."""

from services.cli.deploy.kubernetes import figures
from services.cli.deploy.kubernetes.canary import PROMETHEUS
from services.cli.deploy.kubernetes.objects import Object, named, resource
from services.cli.deploy.kubernetes.secrets import SCALER
from shared.bus.topology import suspect_queue
from shared.runtime.description import Description
from shared.runtime.front import PROCESS
from shared.store.mongo import database_name


def authentication() -> Object:
    """What KEDA shows to the broker and the store: never a service's own user."""
    spec = {
        "secretTargetRef": [
            {"parameter": "host", "name": SCALER, "key": "BROKER_URL"},
            {"parameter": "connectionString", "name": SCALER, "key": "MONGODB_URL"},
        ]
    }
    return named("TriggerAuthentication", "keda.sh/v1alpha1", SCALER, spec=spec)


def scaled_object(description: Description) -> Object:
    # no `fallback`: without figures the HPA keeps what runs, and KEDA 2.20's own fallback crashes its operator
    triggers = [*_queue(description), *_requests(description), *_copies(description), *_unsent(description)]
    spec: Object = {
        "scaleTargetRef": {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "name": resource(description.name),
        },
        "pollingInterval": figures.POLLING_SECONDS,
        "cooldownPeriod": figures.IDLE_SECONDS,
        "minReplicaCount": figures.fewest(description),
        "maxReplicaCount": figures.MOST,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior()}},
        "triggers": triggers,
    }
    return named("ScaledObject", "keda.sh/v1alpha1", resource(description.name), spec=spec)


def _queue(description: Description) -> list[Object]:
    """What waits or is in hand, what comes, and the suspects, which a sleeping service would leave."""
    if not description.bindings:
        return []
    name = description.name
    return [
        _broker(name, "QueueLength", figures.MESSAGES_PER_REPLICA),
        _broker(name, "MessageRate", figures.MESSAGES_A_SECOND_PER_REPLICA),
        _broker(suspect_queue(name), "QueueLength", figures.SUSPECTS_PER_REPLICA),
    ]


def _broker(queue: str, mode: str, value: int) -> Object:
    # the management API counts what consumers have in hand too: they take 200 at once, and AMQP would not see those
    metadata = {"protocol": "http", "queueName": queue, "mode": mode, "value": str(value)}
    return {"type": "rabbitmq", "metadata": metadata, "authenticationRef": {"name": SCALER}}


def _requests(description: Description) -> list[Object]:
    if description.scales_by != "requests":
        return []
    query = f'sum(rate(milesaga_http_requests_total{{app="{description.name}",route!="{PROCESS}"}}[1m]))'
    return [_prometheus(query, figures.REQUESTS_A_SECOND_PER_REPLICA)]


def _copies(description: Description) -> list[Object]:
    """What its processes send, and what waits although it could be sent: see decision 47."""
    if description.scales_by != "copies":
        return []
    return [
        _prometheus(posts_a_second(), figures.POSTS_A_SECOND_PER_REPLICA),
        _prometheus(copies_that_wait(), figures.COPIES_PER_REPLICA),
    ]


def posts_a_second() -> str:
    """Each pod once, though both of its tracks may be read."""
    return "sum(max without (track) (rate(milesaga_target_attempts_total[1m])))"


def copies_that_wait() -> str:
    """Of webhooks that are well: only these have an oldest copy, and a failing one's line is no work for anybody."""
    of = "and on (bus, target)"
    waiting = f"max by (bus, target) (milesaga_target_waiting) {of} milesaga_target_oldest_seconds"
    well = f'{of} milesaga_target_state{{state=~"healthy|blocked"}}'
    return f"sum(clamp_max({waiting} {well}, {figures.LINE}))"


def _prometheus(query: str, threshold: int) -> Object:
    metadata = {
        "serverAddress": PROMETHEUS,
        "query": query,
        "threshold": str(threshold),
        "ignoreNullValues": "true",
    }
    return {"type": "prometheus", "metadata": metadata}


def _unsent(description: Description) -> list[Object]:
    """A service at zero has drained its outbox; what a crash left in it wakes it again."""
    if not description.may_rest:
        return []
    return [
        {
            "type": "mongodb",
            "metadata": {
                "dbName": database_name(description.name),
                "collection": collection,
                "query": '{"outbox.0": {"$exists": true}}',
                "queryValue": "1000",
                "activationQueryValue": "0",
            },
            "authenticationRef": {"name": SCALER},
        }
        for collection in description.documents
    ]


def _behavior() -> Object:
    """Up at once to what is needed, down by halves."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "policies": [{"type": "Pods", "value": figures.MOST, "periodSeconds": 5}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": figures.CALM_SECONDS,
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 5}],
        },
    }
