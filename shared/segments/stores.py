"""Places by their addresses: `s3://bucket/prefix`, `gs://...`, `az://...`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from shared.segments.buckets import ObjectBucket
from shared.segments.objects import Objects

SCHEMES: Final = ("s3", "gs", "az")
CONNECT: Final = timedelta(seconds=5)
RETRIES: Final = 2
"""Within one request: whoever asked asks again by itself, and knows what that means."""


@dataclass(frozen=True, slots=True)
class Account:
    """How a store is reached; by whom, its own variables say (`AWS_...`, `GOOGLE_...`, `AZURE_...`), or the machine's
    identity does. `endpoint`: of what speaks as S3 or Azure does. Seconds that one request may take."""

    endpoint: str | None = None
    seconds: float = 30.0
    authorities: str | None = None
    """Certificates, PEM, that are believed beside the public ones."""


def objects_at(address: str, account: Account, new_holder: Callable[[], str]) -> Objects:
    """Nothing is asked of the store yet. Raises ValueError for no such address."""
    parts = urlsplit(address)
    prefix = unquote(parts.path).strip("/")
    store = _store(parts.scheme, parts.netloc, account)
    return Objects(ObjectBucket(store), new_holder, prefix=f"{prefix}/" if prefix else "")


def _store(scheme: str, bucket: str, account: Account) -> ObjectStore:
    seconds = timedelta(seconds=account.seconds)
    retry = {"max_retries": RETRIES, "retry_timeout": seconds}
    client: dict[str, Any] = {"timeout": seconds, "connect_timeout": min(CONNECT, seconds)}
    given: dict[str, Any] = {"client_options": client, "retry_config": retry}
    if account.authorities:
        client["root_certificate"] = account.authorities
    if account.endpoint:
        given["endpoint"] = account.endpoint
        client["allow_http"] = account.endpoint.startswith("http://")
    match scheme:
        case "s3":
            return S3Store(bucket, **given)
        case "gs":
            return GCSStore(bucket, **given)
        case "az":
            return AzureStore(bucket, **given)
    raise ValueError(f"no object store: {scheme}")
