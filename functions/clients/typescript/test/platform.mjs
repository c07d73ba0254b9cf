// Run by the integration tests against a platform; API and TOKEN say where.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { before, test } from "node:test";
import { ApiError, Client, uploadArtifact, uploadDatasetVersion } from "aiplatform";

const client = new Client({ url: process.env.API, token: process.env.TOKEN });
const project = `typescript-${randomUUID().slice(0, 8)}`;
const refused = (status, code) => (error) => error instanceof ApiError && error.status === status && error.code === code;

before(() => client.call("createProject", { body: { name: project } }));

test("a repeated creation creates once", async () => {
  const request = { path: { project }, body: { name: "once" }, idempotencyKey: randomUUID() };
  assert.equal((await client.call("createDataset", request)).id, (await client.call("createDataset", request)).id);
  await assert.rejects(client.call("createDataset", { path: { project }, body: { name: "once" } }), refused(409, "already_exists"));
});

test("large and small files come back as they were", async () => {
  const files = [
    { path: "deep/b 100%.bin", content: new Blob([randomBytes(9 * 1024 * 1024)]) },
    { path: "ü.txt", content: new Blob(["ü"]) },
  ];
  await client.call("createDataset", { path: { project }, body: { name: "files" } });
  const version = await uploadDatasetVersion(client, project, "files", files, { description: "two" });
  assert.deepEqual([version.status, version.fileCount, version.description], ["ready", 2, "two"]);
  for (const { path, content } of files) {
    const answer = await client.call("readDatasetFile", { path: { project, dataset: "files", version: 1, path } });
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(await content.arrayBuffer())), path);
  }
});

test("a list goes over all pages in order", async () => {
  for (let number = 0; number < 5; number++) await client.call("createExperiment", { path: { project }, body: { name: `e${number}` } });
  const names = [];
  for await (const experiment of client.list("listExperiments", { path: { project }, query: { pageSize: 2 } })) names.push(experiment.name);
  assert.deepEqual(names.filter((name) => /^e\d$/.test(name)), ["e4", "e3", "e2", "e1", "e0"]);
});

test("a run has its metrics, artifacts and notes", async () => {
  await client.call("createExperiment", { path: { project }, body: { name: "runs" } });
  const run = await client.call("createRun", { path: { project, experiment: "runs" } });
  const points = [1, 2].map((step) => ({ key: "loss", step, value: step === 1 ? Number.NaN : 0.5, timestamp: new Date().toISOString() }));
  assert.equal((await client.call("logMetrics", { path: { run: run.id }, body: { attempt: 1, source: "main", firstSequence: 0, points } })).stored, 2);
  const artifact = await uploadArtifact(client, run.id, "deep/w 1.bin", new Blob(["weights"]), { kind: "checkpoint", step: 3 });
  assert.equal((await client.call("getArtifact", { path: { run: run.id, path: artifact.path } })).step, 3);
  await client.call("writeRunNotes", { path: { run: run.id }, body: { text: "one" }, ifMatch: 0 });
  await assert.rejects(client.call("writeRunNotes", { path: { run: run.id }, body: { text: "two" }, ifMatch: 0 }), refused(412, "precondition_failed"));
});

test("a job is seen as a task, is cancelled, and its events are told", async () => {
  const { job } = await client.call("submitJob", { path: { project }, body: { recipe: "image-classifier" } });
  const tasks = [];
  for await (const task of client.list("listTasks", { query: { project } })) tasks.push(task.id);
  assert.ok(tasks.includes(job.id));
  const cancelled = await client.call("cancelJob", { path: { job: job.id }, body: { reason: "enough" } });
  assert.match(cancelled.status, /^cancell(ing|ed)$/);

  // Nobody says when the platform has begun to listen: something happens until the first event is there.
  const jobs = [];
  for (let number = 0; number < 20; number++) jobs.push((await client.call("submitJob", { path: { project }, body: { recipe: "image-classifier" } })).job.id);
  const listening = new AbortController();
  const first = client.events(jobs.map((id) => `job:${id}`), { signal: listening.signal }).next();
  let heard = false;
  void first.then(() => (heard = true));
  for (const id of jobs) {
    if (heard) break;
    await client.call("cancelJob", { path: { job: id } });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.equal((await first).value.type, "job.status");
  listening.abort();
});

test("a wrong field is named", async () => {
  await assert.rejects(
    client.call("submitJob", { path: { project }, body: { recipe: "image-classifier", timeoutSeconds: -1 } }),
    (error) => refused(400, "invalid_request")(error) && "timeoutSeconds" in error.problem.errors,
  );
});
