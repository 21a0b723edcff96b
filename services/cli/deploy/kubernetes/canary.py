"""A new version takes over in tenths; what Prometheus knows of it says whether it goes on or is taken back."""

from typing import Any, Final

from services.cli.deploy.kubernetes import figures
from services.cli.deploy.kubernetes.objects import Object, inside, named, resource
from shared.runtime.description import Description
from shared.runtime.front import PROCESS

PROMETHEUS: Final = inside("prometheus", 9090)
ANALYSIS: Final = "canary"
INTERVAL: Final = f"{figures.LOOK_SECONDS}s"
WINDOW: Final = f"{figures.WINDOW_SECONDS}s"
MOST_FAILED: Final = 0.05
MOST_UNDONE: Final = 0.5

FIRST_LOOKS: Final = {"looks": str(figures.FIRST_LOOKS), "unknown": str(figures.FIRST_LOOKS // 2)}
"""Arguments of a service's own template: how often it looks, and how many of these may say nothing. At the first tenth,
where a version of which nothing can be said waits for a person."""
ENDLESS: Final = {"looks": "0", "unknown": "1000000"}
"""The same beside all later steps."""

STABLE: Final = "stable"
CANARY: Final = "canary"
TRACKS: Final = (STABLE, CANARY)
TRACK: Final = "milesaga.example/track"

ROLLOUTS: Final = "argo-rollouts"
"""The namespace of Argo Rollouts' controller, by its own manifests."""
ROLLOUTS_METRICS: Final = "argo-rollouts-metrics"
"""The controller's Service there."""
ROLLOUTS_METRICS_PORT: Final = 8090
ROLLOUT_INFO: Final = "rollout_info"
"""1 for each Rollout, with its `namespace`, `name`, `phase`."""

PODS: Final = f'app="{{{{args.service}}}}",track="{CANARY}"'
"""The new version's own: scraped by the Service that Argo Rollouts turns to it."""


def track_of(description: Description, track: str) -> str:
    """The Service of one version's pods."""
    return f"{resource(description.name)}-{track}"


def strategy(description: Description) -> Object:
    """Tenths of the pods: who takes from a queue takes its share of the messages."""
    steps: list[dict[str, Any]] = []
    for weight in figures.CANARY_WEIGHTS:
        steps += [{"setWeight": weight}, {"pause": {"duration": f"{figures.CANARY_SECONDS}s"}}]
    arguments = given(service=description.name)
    analysis = {"startingStep": 1, "templates": [{"templateName": ANALYSIS}], "args": arguments}
    if description.judged_by:
        own = {"templateName": own_template(description)}
        steps[1] = {"analysis": {"templates": [own], "args": arguments}}
        analysis |= {"templates": [{"templateName": ANALYSIS}, own], "args": arguments + given(**ENDLESS)}
    services = {f"{track}Service": track_of(description, track) for track in TRACKS}
    return {"canary": {**services, "maxSurge": 1, "maxUnavailable": 0, "steps": steps, "analysis": analysis}}


def given(**arguments: str) -> list[Object]:
    return [{"name": name, "value": value} for name, value in arguments.items()]


def own_template(description: Description) -> str:
    """The name of what a service's versions are judged by beside all others'."""
    return f"{ANALYSIS}-{resource(description.name)}"


def analysis() -> Object:
    """One template for all services. Where nothing is done nothing is said against a version."""
    metrics = [
        _metric("message-error-rate", _failed_messages(), most=MOST_FAILED),
        _metric("request-error-rate", _failed_requests(), most=MOST_FAILED),
        _metric("dead-letters", _dead_letters(), most=1),
        _metric("undo-rate", _undone(), most=MOST_UNDONE),
    ]
    return template(ANALYSIS, metrics)


def template(name: str, metrics: list[Object], *, service: str | None = None, **arguments: str) -> Object:
    """With the arguments that all have, and those of its own with their values."""
    spec = {"args": [{"name": "service"}, *given(window=WINDOW, **arguments)], "metrics": metrics}
    return named("AnalysisTemplate", "argoproj.io/v1alpha1", name, service=service, spec=spec)


def _failed_messages() -> str:
    """Of the messages that the new version handled, the part that failed; what waits by its own wish is no failure."""
    failed = _rate("milesaga_messages_total", PODS, 'outcome=~"retried|dead|requeued"')
    handled = _rate("milesaga_messages_total", PODS, 'outcome!="later"')
    return f"{failed} / ({handled} > 0)"


def _failed_requests() -> str:
    """The same of requests: apart, or those that only look would hide the messages that fail."""
    asked = f'route!="{PROCESS}"'
    failed = _rate("milesaga_http_requests_total", PODS, asked, 'status=~"5.."')
    answered = _rate("milesaga_http_requests_total", PODS, asked)
    return f"{failed} / ({answered} > 0)"


def _dead_letters() -> str:
    """As they stand: what kills its process lies there too, and no process tells."""
    return 'sum(delta(rabbitmq_detailed_queue_messages{queue="{{args.service}}.dead"}[{{args.window}}]))'


def _undone() -> str:
    """Of the purchases that begin the part that turns back: who refuses everything is not in error."""
    turned = _rate("milesaga_purchases_turned_back_total")
    return f"{turned} / ({_rate('milesaga_purchases_begun_total')} > 0)"


def _rate(metric: str, *selectors: str) -> str:
    """Each pod once, though both of its tracks may be read."""
    each = f"rate({metric}{{{','.join(selectors)}}}[{{{{args.window}}}}])"
    return f"(sum(max without (track) ({each})) or vector(0))"


def _metric(name: str, query: str, *, most: float) -> Object:
    condition = f"len(result) == 0 || isNaN(result[0]) || result[0] < {most}"
    return metric(name, query, failureLimit=1, successCondition=condition)


def metric(name: str, query: str, **verdict: str | int) -> Object:
    """Looked at again and again; `verdict` says what an answer means, and how many bad ones there may be."""
    return {
        "name": name,
        # or the version that was taken back before this one would be looked at, too
        "initialDelay": WINDOW,
        "interval": INTERVAL,
        "consecutiveErrorLimit": 4,
        **verdict,
        "provider": {"prometheus": {"address": PROMETHEUS, "query": query}},
    }
