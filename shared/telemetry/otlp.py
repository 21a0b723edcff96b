"""Spans by OpenTelemetry's SDK, sent by OTLP over HTTP. Imported only where traces are wanted."""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from shared.telemetry.spans import SAMPLED, Kind, Place, Value

KINDS: Final = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.CONSUMER: SpanKind.CONSUMER,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.INTERNAL: SpanKind.INTERNAL,
}


class OtlpTracer:
    """Fulfils `Tracer`. Spans gather in a bounded queue and are sent by a thread; what finds it full is dropped.

    Beside what it is given, the SDK reads its own variables: `OTEL_EXPORTER_OTLP_HEADERS`, `..._CERTIFICATE`,
    `..._TIMEOUT`, `OTEL_BSP_...`, `OTEL_RESOURCE_ATTRIBUTES`.
    """

    def __init__(self, endpoint: str, service: str, version: str, share: float) -> None:
        """`endpoint` is the collector's base URL."""
        self.share = share
        resource = Resource.create({"service.name": service, "service.version": version})
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("milesaga", version)

    def start(self, name: str, kind: Kind, parent: Place | None, link: Place | None) -> "OtlpSpan":
        links = [Link(_context_of(link))] if link is not None else None
        above = Context() if parent is None else set_span_in_context(NonRecordingSpan(_context_of(parent)), Context())
        return OtlpSpan(self._tracer.start_span(name, above, KINDS[kind], links=links))

    def close(self) -> None:
        """Send what has gathered, and end. Blocks for as long as the collector takes."""
        self._provider.shutdown()


class OtlpSpan:
    """Fulfils `Recording`."""

    __slots__ = ("_span", "place")

    def __init__(self, span: Any) -> None:
        self._span = span
        context = span.get_span_context()
        self.place = Place(f"{context.trace_id:032x}", f"{context.span_id:016x}", recorded=True)

    def tell(self, attributes: Mapping[str, Value]) -> None:
        self._span.set_attributes(attributes)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def end(self, error: BaseException | None) -> None:
        """Of an exception only the type is told: its text may quote what was being worked on."""
        if error is not None:
            self._span.set_status(StatusCode.ERROR, type(error).__name__)
            self._span.set_attribute("error.type", type(error).__name__)
        self._span.end()


def _context_of(place: Place) -> SpanContext:
    flags = TraceFlags(SAMPLED if place.recorded else 0)
    return SpanContext(int(place.trace_id, 16), int(place.span_id, 16), is_remote=True, trace_flags=flags)
