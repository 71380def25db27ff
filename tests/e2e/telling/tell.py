"""One span, one log record, one metric, by OpenTelemetry's own SDK: nothing is configured but by
the standard variables.
"""

from __future__ import annotations

import logging
import signal
import time

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

traces = TracerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
records = LoggerProvider()
records.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
log = logging.getLogger("tell")
log.addHandler(LoggingHandler(logger_provider=records))
meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
told = meters.get_meter("tell").create_counter("told.items", unit="1")


def leave(_number: int, _frame: object) -> None:
    raise SystemExit


signal.signal(signal.SIGTERM, leave)
with traces.get_tracer("tell").start_as_current_span("work", attributes={"told.by": "py"}):
    log.warning("hello from py", extra={"told.by": "py"})
    told.add(3, {"told.by": "py"})
while True:
    time.sleep(0.5)
    told.add(1, {"told.by": "py"})
