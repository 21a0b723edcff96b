"""A provider's settings, when the sandbox may stand in for it, and the lines to providers and neighbors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from pydantic import Field, HttpUrl

from shared.kernel.values import changed
from shared.outside.endings import ENDINGS, Ending, Endings, wakes
from shared.outside.gate import Gate, Terms
from shared.outside.grants import GateOverHttp
from shared.outside.line import Line
from shared.outside.neighbors import Neighbor
from shared.runtime.configuration import read_beside
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings
from shared.web.grants import CountedGate
from shared.web.grants import Gate as GrantGate


class Bounded(Settings):
    """The terms on which a provider is spoken to, whatever it speaks: what a request is, its own class says."""

    timeout_seconds: float = Field(default=20.0, gt=0, le=120)
    """How long one request may take, to the last byte of its answer."""
    calls_at_once: int = Field(default=50, ge=1, le=100)
    """Requests under way in one process."""
    calls_per_second: float = Field(default=100.0, gt=0, le=10_000)
    """Requests that one process begins."""
    breaker_failures: int = Field(default=5, ge=1, le=1000)
    """After so many requests in a row without an answer, or with HTTP's 5xx, the provider is left alone."""
    breaker_seconds: float = Field(default=10.0, gt=0, le=900)
    """How long, before one request probes it."""

    @property
    def terms(self) -> Terms:
        return Terms(
            calls_at_once=self.calls_at_once,
            calls_per_second=self.calls_per_second,
            patience=timedelta(seconds=self.timeout_seconds / 4),
            failures=self.breaker_failures,
            pause=timedelta(seconds=self.breaker_seconds),
        )


class Located(Settings):
    """Where a provider over HTTP is."""

    url: HttpUrl


class Provider(Bounded, Located):
    """What every provider over HTTP needs. A service has a class of its own for each, with its own prefix."""


P = TypeVar("P", bound=Provider)


def formerly(prefix: str, fields: Iterable[str]) -> dict[str, str]:
    """The former names of fields that only got another prefix."""
    return {field: f"{prefix}{field.upper()}" for field in fields}


def provider_settings(runtime: Runtime, provider: str, real: type[P], beside_sandbox: type[P]) -> P:
    """A provider's settings from the environment.

    Where the sandbox is on it stands in for a provider whose address is not given, with the defaults of
    `beside_sandbox`. A provider whose address is given gets credentials of its own or none: whatever has no default in
    `real` must be given then. Raises WrongSettings naming the variable that is missing or wrong.
    """
    found = read_beside(real, beside_sandbox, sandbox=runtime.settings.sandbox)
    if runtime.settings.sandbox and "url" not in found.model_fields_set:
        return changed(found, url=HttpUrl(runtime.provider_url(provider)))
    return found


def provider_line(runtime: Runtime, service: str, provider: str, settings: Provider) -> Line:
    """The line to a provider, within what its settings allow."""
    client = runtime.http(str(settings.url).rstrip("/"), settings.timeout_seconds)
    gate = Gate(service, provider, settings.terms, runtime.meter)
    return Line(client, timedelta(seconds=settings.timeout_seconds), gate=gate)


@dataclass(frozen=True, slots=True)
class Gating:
    """Who keeps the grants that a service's acts take; nobody where acts are not gated. `tasks` are that service's."""

    gate: GrantGate | None = None
    tasks: tuple[Every, ...] = ()


def gating(runtime: Runtime, keeping: Keeping, here: str, service: str, timeout_seconds: float = 5.0) -> Gating:
    """Another service keeps the grants for gated acts of `here`."""
    if not runtime.settings.gated:
        return Gating()

    async def subject(token: str) -> str:
        return (await runtime.authenticator.caller(token)).subject

    asked, place = neighbor(runtime, service, timeout_seconds), f"/internal/{service}"
    documents = keeping.documents(ENDINGS, Ending, wake=wakes, silent=True)
    endings = Endings(documents, asked, f"{place}/ended", runtime.clock)
    gate = GateOverHttp(asked, endings, subject, place, runtime.settings.environment)
    tasks = (Every(Endings.PAUSE, endings.page, full=Endings.PAGE, name="endings"),)
    return Gating(CountedGate(gate, runtime.meter, here), tasks)


def neighbor(runtime: Runtime, service: str, timeout_seconds: float) -> Neighbor:
    """Another service's internal routes; `timeout_seconds` bounds a question as a whole."""
    client = runtime.http(runtime.service_url(service), timeout_seconds)
    return Neighbor(client, runtime.authenticator.internal_headers, timedelta(seconds=timeout_seconds))
