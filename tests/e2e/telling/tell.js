// One span, one log record, one metric, by OpenTelemetry's own SDK: nothing is configured but by the
// standard variables.
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { metrics, trace } = require("@opentelemetry/api");
const { logs, SeverityNumber } = require("@opentelemetry/api-logs");

const sdk = new NodeSDK();
sdk.start();
const told = metrics.getMeter("tell").createCounter("told.items", { unit: "1" });
trace.getTracer("tell").startActiveSpan("work", (span) => {
  span.setAttribute("told.by", "node");
  logs.getLogger("tell").emit({
    severityNumber: SeverityNumber.WARN,
    severityText: "WARN",
    body: "hello from node",
    attributes: { "told.by": "node" },
  });
  told.add(3, { "told.by": "node" });
  span.end();
});
setInterval(() => told.add(1, { "told.by": "node" }), 500);
process.on("SIGTERM", () => sdk.shutdown().finally(() => process.exit(0)));
