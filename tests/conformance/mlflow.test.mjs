// A third-party MLflow client (npm "mlflow") unchanged, and the documented requests of the Python client's REST store, literally.
// MLFLOW_ADDRESS is the tracking URI, MLFLOW_TRACKING_TOKEN a personal access token.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createRequire } from 'node:module';

const { default: MLflow } = createRequire(import.meta.url)('mlflow/lib/mlflow.js');
const endpoint = process.env.MLFLOW_ADDRESS;
const authorization = `Bearer ${process.env.MLFLOW_TRACKING_TOKEN}`;
const client = new MLflow({ endpoint, headers: { Authorization: authorization } });
console.log = () => {}; // The client prints every body.

// As mlflow.utils.rest_utils: GET parameters in the query, everything else as JSON; 200 and an object, or an error.
async function rest(method, path, params = {}, root = '/api/2.0/mlflow/') {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) for (const item of [value].flat()) query.append(key, item);
  const get = method === 'GET';
  const response = await fetch(endpoint + root + path + (get && query.size ? `?${query}` : ''), {
    method,
    headers: { Authorization: authorization, 'User-Agent': 'mlflow-python-client/3.1.0', ...(get ? {} : { 'Content-Type': 'application/json' }) },
    body: get ? undefined : JSON.stringify(params),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${method} ${path}: ${text}`);
  return JSON.parse(text);
}

async function refused(code, method, path, params) {
  await assert.rejects(rest(method, path, params), error => error.message.includes(`"error_code":"${code}"`));
}

let experiment;
let run;
before(async () => {
  ({ experiment_id: experiment } = await client.Experiments.create({ name: `conformance-${process.pid}` }));
  ({ run } = await client.Runs.create({ experiment_id: experiment, user_id: 'ann', start_time: 1_700_000_000_000, tags: [{ key: 'mlflow.runName', value: 'first' }] }));
});

test('the client lists, gets, renames, deletes and restores experiments', async () => {
  const { experiments } = await client.Experiments.list({ view_type: 'ACTIVE_ONLY' });
  assert.ok(experiments.some(item => item.experiment_id === '0' && item.name === 'Default'));
  const { experiment_id: other } = await client.Experiments.create({ name: `other-${process.pid}` });
  await client.Experiments.update({ experiment_id: other, new_name: `renamed-${process.pid}` });
  await client.Experiments.delete({ experiment_id: other });
  assert.equal((await client.Experiments.get({ experiment_id: other })).experiment.lifecycle_stage, 'deleted');
  await client.Experiments.restore({ experiment_id: other });
  assert.equal((await client.Experiments.get({ experiment_id: other })).experiment.name, `renamed-${process.pid}`);
  await assert.rejects(client.Experiments.create({ name: `renamed-${process.pid}` }), /RESOURCE_ALREADY_EXISTS/);
});

test('the client logs metrics, parameters and tags and reads them back', async () => {
  const run_id = run.info.run_id;
  assert.equal(run.info.run_uuid, run_id);
  for (let step = 0; step < 5; step++) await client.Runs.logMetric({ run_id, key: 'loss', value: 1 / (step + 1), timestamp: 1_000 + step, step });
  await client.Runs.logBatch({ run_id, metrics: [{ key: 'acc', value: 0.5, timestamp: 1, step: 0 }], params: [{ key: 'lr', value: '0.1' }], tags: [{ key: 'team', value: 'a' }] });
  await client.Runs.logParameter({ run_id, key: 'depth', value: '3' });
  await client.Runs.setTag({ run_id, key: 'gone', value: 'x' });
  await client.Runs.deleteTag({ run_id, key: 'gone' });
  const { metrics } = await client.Metrics.getHistory({ run_id, metric_key: 'loss' });
  assert.deepEqual(metrics.map(({ step, value }) => [Number(step), value]), [[0, 1], [1, 0.5], [2, 1 / 3], [3, 0.25], [4, 0.2]]);
  const { run: read } = await client.Runs.get({ run_id });
  assert.deepEqual(read.data.params, [{ key: 'depth', value: '3' }, { key: 'lr', value: '0.1' }]);
  assert.deepEqual(read.data.metrics.map(({ key, value }) => [key, value]), [['acc', 0.5], ['loss', 0.2]]);
  assert.deepEqual(read.data.tags.map(({ key }) => key), ['mlflow.runName', 'team']);
  await assert.rejects(client.Runs.logParameter({ run_id, key: 'depth', value: '4' }), /Changing param values is not allowed/);
});

test('the client searches, ends, deletes and restores runs', async () => {
  const run_id = run.info.run_id;
  const found = await client.Runs.search({ experiment_ids: [experiment], filter: "tags.team = 'a' and metrics.loss < 0.3", run_view_type: 'ACTIVE_ONLY', max_results: 5, order_by: ['metrics.loss ASC'] });
  assert.deepEqual(found.runs.map(item => item.info.run_id), [run_id]);
  const { run_info } = await client.Runs.update({ run_id, status: 'FINISHED', end_time: 1_700_000_001_000 });
  assert.equal(run_info.status, 'FINISHED');
  await client.Runs.delete({ run_id });
  assert.deepEqual((await client.Runs.search({ experiment_ids: [experiment] })).runs, []);
  await client.Runs.restore({ run_id });
  await assert.rejects(client.Runs.search({ experiment_ids: [experiment], filter: 'metrics.loss > 1 OR metrics.loss < 2' }), /INVALID_PARAMETER_VALUE/);
});

test('the client lists artifacts that were put through the proxy', async () => {
  const run_id = run.info.run_id;
  const response = await fetch(`${endpoint}/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run_id}/artifacts/dir/a.txt`, { method: 'PUT', headers: { Authorization: authorization }, body: 'abc' });
  assert.equal(response.status, 200);
  assert.deepEqual((await client.Artifacts.list({ run_id, path: 'dir' })).files, [{ path: 'dir/a.txt', is_dir: false, file_size: 3 }]);
});

test('the requests of the Python client 3.x when a model is logged and registered', async () => {
  const { run: created } = await rest('POST', 'runs/create', { experiment_id: experiment, user_id: 'ann', start_time: 1_700_000_000_000, tags: [{ key: 'mlflow.user', value: 'ann' }, { key: 'mlflow.source.type', value: 'LOCAL' }], run_name: 'bold-fox-1' });
  const run_id = created.info.run_id;
  assert.match(created.info.artifact_uri, /^mlflow-artifacts:\//);
  const { model } = await rest('POST', 'logged-models', { experiment_id: experiment, name: 'model', model_type: '', source_run_id: run_id, params: [], tags: [] });
  const model_id = model.info.model_id;
  assert.equal(model.info.status, 'LOGGED_MODEL_PENDING');
  const root = model.info.artifact_uri.replace('mlflow-artifacts:/', '');
  for (const file of ['MLmodel', 'model.pkl']) {
    const put = await fetch(`${endpoint}/api/2.0/mlflow-artifacts/artifacts/${root}/${file}`, { method: 'PUT', headers: { Authorization: authorization }, body: file });
    assert.equal(put.status, 200);
  }
  await rest('PATCH', `logged-models/${model_id}/tags`, { tags: [{ key: 'mlflow.modelId', value: model_id }] });
  await rest('PATCH', `logged-models/${model_id}`, { model_id, status: 'LOGGED_MODEL_READY' });
  await rest('POST', 'runs/outputs', { run_id, models: [{ model_id, step: 0 }] });
  await rest('POST', 'runs/log-inputs', { run_id, datasets: [{ tags: [{ key: 'mlflow.data.context', value: 'training' }], dataset: { name: 'd', digest: 'x', source_type: 'local', source: '{}', schema: '{}', profile: '{}' } }], models: [] });
  assert.equal((await rest('GET', `logged-models/${model_id}`)).model.info.status, 'LOGGED_MODEL_READY');
  assert.equal((await rest('GET', `logged-models/${model_id}/artifacts/directories`)).files.length, 2);
  const name = `model-${process.pid}`;
  await rest('POST', 'registered-models/create', { name });
  const { model_version } = await rest('POST', 'model-versions/create', { name, source: `models:/${model_id}`, run_id, model_id, tags: [] });
  assert.equal(model_version.version, '1');
  await rest('POST', 'registered-models/alias', { name, alias: 'champion', version: '1' });
  assert.equal((await rest('GET', 'registered-models/alias', { name, alias: 'champion' })).model_version.version, '1');
  assert.equal((await rest('GET', 'model-versions/get-download-uri', { name, version: '1' })).artifact_uri, model.info.artifact_uri);
  assert.equal((await rest('GET', 'registered-models/search', { filter: `name LIKE '${name}%'`, order_by: ['name ASC'], max_results: 10 })).registered_models.length, 1);
  assert.equal((await rest('GET', 'model-versions/search', { filter: `run_id = '${run_id}'` })).model_versions[0].name, name);
  await rest('POST', 'registered-models/get-latest-versions', { name, stages: ['None'] });
  await refused('RESOURCE_DOES_NOT_EXIST', 'GET', 'model-versions/get', { name, version: '9' });
});

test('the requests of the web page, with long query strings', async () => {
  const ids = Array.from({ length: 100 }, () => run.info.run_id);
  const { metrics } = await rest('GET', 'metrics/get-history-bulk', { run_id: ids, metric_key: 'loss' }, '/ajax-api/2.0/mlflow/');
  assert.equal(metrics.length, 500);
  const { metrics: sampled } = await rest('GET', 'metrics/get-history-bulk-interval', { run_ids: ids, metric_key: 'loss', max_results: 2 }, '/ajax-api/2.0/mlflow/');
  assert.equal(sampled.length, 300); // Of five steps every second or third, and the last.
  await rest('POST', 'experiments/search-datasets', { experiment_ids: [experiment] }, '/ajax-api/2.0/mlflow/');
  await rest('GET', 'artifacts/list', { run_uuid: run.info.run_id, path: 'dir' }, '/ajax-api/2.0/preview/mlflow/');
});
