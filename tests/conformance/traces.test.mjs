// OpenTelemetry's own SDK and exporters, unchanged, against MLflow's OTLP endpoint; what they sent is read as MLflow 3 clients read it.
// MLFLOW_ADDRESS is the tracking URI, MLFLOW_TRACKING_TOKEN a personal access token.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { SpanStatusCode, context, trace } from '@opentelemetry/api';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const address = process.env.MLFLOW_ADDRESS;
const headers = { Authorization: `Bearer ${process.env.MLFLOW_TRACKING_TOKEN}` };
let experiment;

async function rest(method, path, body) {
  const response = await fetch(`${address}/api/3.0/mlflow/${path}`, {
    method,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${method} ${path}: ${text}`);
  return JSON.parse(text);
}

before(async () => {
  ({ experiment_id: experiment } = await rest('POST', 'experiments/create', { name: `otlp-${process.pid}` }));
});

for (const [name, Exporter, compression] of [
  ['protobuf', ProtobufExporter, CompressionAlgorithm.NONE],
  ['compressed protobuf', ProtobufExporter, CompressionAlgorithm.GZIP],
  ['JSON', JsonExporter, CompressionAlgorithm.NONE],
  ['compressed JSON', JsonExporter, CompressionAlgorithm.GZIP],
]) {
  test(`spans arrive as ${name}`, async () => {
    const exporter = new Exporter({ url: `${address}/v1/traces`, headers: { ...headers, 'x-mlflow-experiment-id': experiment }, compression });
    const exported = [];
    const send = exporter.export.bind(exporter);
    exporter.export = (spans, done) => send(spans, result => { exported.push(result); done(result); });
    const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
    const tracer = provider.getTracer('conformance');
    const root = tracer.startSpan(`invoke_agent ${name}`, { attributes: { 'gen_ai.operation.name': 'invoke_agent', 'session.id': 's-1', list: ['a', 'b'], flag: true, ratio: 0.5 } });
    const child = tracer.startSpan('chat m', { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 12, 'gen_ai.usage.output_tokens': 3 } }, trace.setSpan(context.active(), root));
    child.addEvent('first token', { index: 0 });
    child.recordException(new Error('too slow'));
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'too slow' });
    child.end();
    root.setStatus({ code: SpanStatusCode.OK });
    root.end();
    await provider.forceFlush();
    await provider.shutdown();
    assert.deepEqual(exported.map(({ code, error }) => [code, error?.message]), [[0, undefined]]);

    const { traces } = await rest('POST', 'traces/search', {
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }],
      filter: `name = 'invoke_agent ${name}' AND span.type = 'CHAT_MODEL' AND metadata.\`mlflow.trace.session\` = 's-1'`,
    });
    assert.equal(traces.length, 1);
    const [{ trace_id, state, trace_metadata }] = traces;
    assert.equal(trace_id, `tr-${root.spanContext().traceId}`);
    assert.equal(state, 'OK');
    assert.deepEqual(JSON.parse(trace_metadata['mlflow.trace.tokenUsage']), { input_tokens: 12, output_tokens: 3, total_tokens: 15 });

    const { trace: { spans } } = await rest('GET', `traces/get?trace_id=${trace_id}`);
    assert.deepEqual(spans.map(span => [span.name, span.status.code]), [[`invoke_agent ${name}`, 'STATUS_CODE_OK'], ['chat m', 'STATUS_CODE_ERROR']]);
    assert.equal(Buffer.from(spans[1].parent_span_id, 'base64').toString('hex'), root.spanContext().spanId);
    const attributes = Object.fromEntries(spans[0].attributes.map(({ key, value }) => [key, value]));
    assert.deepEqual(attributes.list, { array_value: { values: [{ string_value: 'a' }, { string_value: 'b' }] } });
    assert.deepEqual([attributes.flag, attributes.ratio], [{ bool_value: true }, { double_value: 0.5 }]);
    assert.deepEqual(spans[1].events.map(event => event.name), ['first token', 'exception']);
  });
}
