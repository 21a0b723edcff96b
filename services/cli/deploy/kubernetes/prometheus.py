"""What a development cluster's Prometheus reads. By names alone: it has no need to ask the cluster for anything."""

from collections.abc import Iterable
from typing import Final

from services.cli.deploy.kubernetes.canary import (
    ROLLOUT_INFO,
    ROLLOUTS,
    ROLLOUTS_METRICS,
    ROLLOUTS_METRICS_PORT,
    TRACKS,
    track_of,
)
from services.cli.deploy.kubernetes.objects import PORT, Object
from services.cli.deploy.tree import documents
from shared.runtime.description import Description

SECONDS: Final = 2
ALERTS: Final = "alerts.yml"
METRICS: Final = 15692
"""RabbitMQ's."""


def configuration(house: Iterable[Description]) -> str:
    """The whole of `prometheus.yml`."""
    services = [track_of(each, track) for each in house for track in TRACKS]
    known = [
        {"source_labels": ["__meta_dns_name"], "regex": f"(.+)-({'|'.join(TRACKS)})", "target_label": name}
        | {"replacement": replacement}
        for name, replacement in (("app", "$1"), ("track", "$2"))
    ]
    found = {
        "global": {"scrape_interval": f"{SECONDS}s", "scrape_timeout": f"{SECONDS}s", "evaluation_interval": "15s"},
        "rule_files": [ALERTS],
        "scrape_configs": [
            {"job_name": "services", "dns_sd_configs": [_by_name(services, PORT)], "relabel_configs": known},
            {
                "job_name": "rabbitmq",
                "metrics_path": "/metrics/detailed",
                "params": {"family": ["queue_coarse_metrics", "queue_consumer_count"]},
                "dns_sd_configs": [_by_name(["rabbitmq-nodes"], METRICS)],
            },
            {
                "job_name": "rollouts",
                "dns_sd_configs": [_by_name([f"{ROLLOUTS_METRICS}.{ROLLOUTS}"], ROLLOUTS_METRICS_PORT)],
                "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": ROLLOUT_INFO, "action": "keep"}],
            },
        ],
    }
    return documents([found])


def _by_name(names: list[str], port: int) -> Object:
    return {"names": names, "type": "A", "port": port, "refresh_interval": f"{SECONDS}s"}
