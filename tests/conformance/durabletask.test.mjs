// The official Durable Task SDK for JavaScript, client and worker, against our task hub.
// Needs TASKHUB_ADDRESS=host:port of a running hub; the integration tests start one and set it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import {
  EntityInstanceId, NoOpLogger, OrchestrationStatus, ProtoOrchestrationStatus, PurgeInstanceCriteria, RetryPolicy, TaskHubGrpcClient, TaskHubGrpcWorker,
  terminateOptions, whenAll, whenAny,
} from "@microsoft/durabletask-js";
import grpc from "@grpc/grpc-js";

const hostAddress = process.env.TASKHUB_ADDRESS;
const hub = `js${randomUUID().replaceAll("-", "")}`;
const metadataGenerator = async () => {
  const metadata = new grpc.Metadata();
  metadata.set("taskhub", hub);
  return metadata;
};

let client;
let worker;
let attempts = 0;

const orchestrators = {
  empty: async () => "nothing",
  async *sequence(context, start) {
    let value = start;
    for (let i = 0; i < 5; i++) value = yield context.callActivity("plusOne", value);
    return value;
  },
  async *fanOut(context, count) {
    const tasks = [];
    for (let i = 0; i < count; i++) tasks.push(context.callActivity("plusOne", i));
    const results = yield whenAll(tasks);
    return results.reduce((sum, value) => sum + value, 0);
  },
  async *timer(context, milliseconds) {
    const started = context.currentUtcDateTime.getTime();
    yield context.createTimer(new Date(started + milliseconds));
    return context.currentUtcDateTime.getTime() - started;
  },
  async *event(context) {
    return yield context.waitForExternalEvent("Answer");
  },
  async *eventOrTimeout(context, milliseconds) {
    const event = context.waitForExternalEvent("answer");
    const timeout = context.createTimer(new Date(context.currentUtcDateTime.getTime() + milliseconds));
    const first = yield whenAny([event, timeout]);
    return first === event ? event.getResult() : "timed out";
  },
  async *twoEvents(context) {
    const first = yield context.waitForExternalEvent("a");
    const second = yield context.waitForExternalEvent("a");
    return [first, second];
  },
  async *parent(context, count) {
    const children = [];
    for (let i = 0; i < count; i++) children.push(context.callSubOrchestrator("sequence", i, { instanceId: `${context.instanceId}-child-${i}` }));
    return yield whenAll(children);
  },
  async *waitingParent(context) {
    return yield context.callSubOrchestrator("event", undefined, { instanceId: `${context.instanceId}-waiting` });
  },
  async *catches(context) {
    try {
      yield context.callActivity("fails", "caught");
    } catch (error) {
      return `caught: ${error.message.includes("caught")}`;
    }
    return "not caught";
  },
  async *doesNotCatch(context) {
    yield context.callActivity("fails", "uncaught");
  },
  async *retries(context) {
    const retry = new RetryPolicy({ maxNumberOfAttempts: 3, firstRetryIntervalInMilliseconds: 20 });
    return yield context.callActivity("failsTwice", null, { retry });
  },
  async *counter(context, state) {
    const event = yield context.waitForExternalEvent("add");
    const sum = state.sum + event;
    if (state.left === 1) return sum;
    context.continueAsNew({ sum, left: state.left - 1 }, true);
  },
  async *status(context) {
    context.setCustomStatus({ phase: "waiting" });
    yield context.waitForExternalEvent("go");
    context.setCustomStatus({ phase: "done" });
    return "ok";
  },
  async *signalsEntity(context) {
    context.entities.signalEntity(new EntityInstanceId("counter", "a"), "add", 1);
    yield context.callActivity("plusOne", 1);
  },
  async *sends(context, target) {
    context.sendEvent(target, "answer", "from an orchestrator");
    return "sent";
  },
};

async function run(name, input, options, timeout = 30) {
  const id = await client.scheduleNewOrchestration(name, input, options);
  return await client.waitForOrchestrationCompletion(id, true, timeout);
}

async function until(condition, message) {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, message);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function completed(state, output) {
  assert.equal(state.runtimeStatus, OrchestrationStatus.COMPLETED, JSON.stringify(state.failureDetails));
  assert.deepEqual(JSON.parse(state.serializedOutput), output);
}

before(async () => {
  assert.ok(hostAddress, "set TASKHUB_ADDRESS=host:port");
  const logger = new NoOpLogger();
  client = new TaskHubGrpcClient({ hostAddress, metadataGenerator, logger });
  worker = new TaskHubGrpcWorker({ hostAddress, metadataGenerator, logger, shutdownTimeoutMs: 1000 });
  for (const [name, orchestrator] of Object.entries(orchestrators)) worker.addNamedOrchestrator(name, orchestrator);
  worker.addNamedActivity("plusOne", async (_, value) => value + 1);
  worker.addNamedActivity("fails", async (_, message) => { throw new Error(message); });
  worker.addNamedActivity("failsTwice", async () => {
    attempts++;
    if (attempts < 3) throw new Error(`attempt ${attempts}`);
    return attempts;
  });
  await worker.start();
});

after(async () => {
  await worker?.stop();
  await client?.stop();
});

test("an orchestrator without tasks", async () => completed(await run("empty"), "nothing"));

test("five activities in sequence", async () => completed(await run("sequence", 1), 6));

test("fan-out of 1,000 activities", { timeout: 120_000 }, async () => completed(await run("fanOut", 1000, undefined, 100), 500_500));

test("timers fire, and not early", async () => {
  const state = await run("timer", 300);
  assert.equal(state.runtimeStatus, OrchestrationStatus.COMPLETED);
  assert.ok(JSON.parse(state.serializedOutput) >= 300);
});

test("external events, whatever the case of their names", async () => {
  const id = await client.scheduleNewOrchestration("event");
  await client.raiseOrchestrationEvent(id, "aNSWER", { text: "42" });
  completed(await client.waitForOrchestrationCompletion(id, true, 30), { text: "42" });
});

test("events are kept in order until they are waited for", async () => {
  const id = await client.scheduleNewOrchestration("twoEvents");
  await client.raiseOrchestrationEvent(id, "a", 1);
  await client.raiseOrchestrationEvent(id, "a", 2);
  completed(await client.waitForOrchestrationCompletion(id, true, 30), [1, 2]);
});

test("an event or a time-out, whichever comes first", async () => {
  completed(await run("eventOrTimeout", 100), "timed out");
  const id = await client.scheduleNewOrchestration("eventOrTimeout", 60_000);
  await client.raiseOrchestrationEvent(id, "answer", "in time");
  completed(await client.waitForOrchestrationCompletion(id, true, 30), "in time");
});

test("sub-orchestrations", async () => completed(await run("parent", 3), [5, 6, 7]));

test("failures are caught by the orchestrator", async () => completed(await run("catches"), "caught: true"));

test("failures that are not caught fail the orchestration with their message", async () => {
  const state = await run("doesNotCatch");
  assert.equal(state.runtimeStatus, OrchestrationStatus.FAILED);
  assert.match(state.failureDetails.message, /uncaught/);
});

test("an unknown orchestrator fails", async () => {
  const state = await run("nobodyKnowsMe");
  assert.equal(state.runtimeStatus, OrchestrationStatus.FAILED);
});

test("retries", async () => completed(await run("retries"), 3));

test("continue-as-new carries events over", async () => {
  const id = await client.scheduleNewOrchestration("counter", { sum: 0, left: 4 });
  for (const value of [1, 2, 3, 4]) await client.raiseOrchestrationEvent(id, "add", value);
  completed(await client.waitForOrchestrationCompletion(id, true, 30), 10);
});

test("terminate ends an instance with its output", async () => {
  const id = await client.scheduleNewOrchestration("event");
  await client.waitForOrchestrationStart(id, false, 30);
  await client.terminateOrchestration(id, "enough");
  const state = await client.waitForOrchestrationCompletion(id, true, 30);
  assert.equal(state.runtimeStatus, OrchestrationStatus.TERMINATED);
  assert.equal(JSON.parse(state.serializedOutput), "enough");
});

test("recursive terminate ends sub-orchestrations too", async () => {
  const id = await client.scheduleNewOrchestration("waitingParent");
  await until(async () => await client.getOrchestrationState(`${id}-waiting`), "the child never started");
  await client.terminateOrchestration(id, terminateOptions({ output: "all", recursive: true }));
  const child = await client.waitForOrchestrationCompletion(`${id}-waiting`, true, 30);
  assert.equal(child.runtimeStatus, OrchestrationStatus.TERMINATED);
});

test("suspend holds events back, resume delivers them", async () => {
  const id = await client.scheduleNewOrchestration("event");
  await client.waitForOrchestrationStart(id, false, 30);
  await client.suspendOrchestration(id);
  assert.equal((await client.getOrchestrationState(id)).runtimeStatus, OrchestrationStatus.SUSPENDED);
  await client.raiseOrchestrationEvent(id, "answer", "late");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal((await client.getOrchestrationState(id)).runtimeStatus, OrchestrationStatus.SUSPENDED);
  await client.resumeOrchestration(id);
  completed(await client.waitForOrchestrationCompletion(id, true, 30), "late");
});

test("custom status is visible while the orchestration runs", async () => {
  const id = await client.scheduleNewOrchestration("status");
  await until(async () => (await client.getOrchestrationState(id)).serializedCustomStatus === '{"phase":"waiting"}', "no custom status");
  await client.raiseOrchestrationEvent(id, "go");
  const state = await client.waitForOrchestrationCompletion(id, true, 30);
  assert.equal(state.serializedCustomStatus, '{"phase":"done"}');
});

test("an orchestrator sends an event to another", async () => {
  const id = await client.scheduleNewOrchestration("event");
  completed(await run("sends", id), "sent");
  completed(await client.waitForOrchestrationCompletion(id, true, 30), "from an orchestrator");
});

test("a scheduled start waits for its time", async () => {
  const id = await client.scheduleNewOrchestration("empty", undefined, `later-${randomUUID()}`, new Date(Date.now() + 700));
  assert.equal((await client.getOrchestrationState(id)).runtimeStatus, OrchestrationStatus.PENDING);
  completed(await client.waitForOrchestrationCompletion(id, true, 30), "nothing");
});

test("an instance id can be used once", async () => {
  const id = `once-${randomUUID()}`;
  await client.scheduleNewOrchestration("event", undefined, id);
  await assert.rejects(client.scheduleNewOrchestration("event", undefined, id), (error) => error.code === grpc.status.ALREADY_EXISTS);
  await client.terminateOrchestration(id);
  await client.waitForOrchestrationCompletion(id, false, 30);
  await assert.rejects(client.scheduleNewOrchestration("event", undefined, id), (error) => error.code === grpc.status.ALREADY_EXISTS);
});

test("restart runs a finished instance again", async () => {
  const state = await run("sequence", 3);
  const again = await client.restartOrchestration(state.instanceId, true);
  assert.notEqual(again, state.instanceId);
  completed(await client.waitForOrchestrationCompletion(again, true, 30), 8);
  assert.equal(await client.restartOrchestration(state.instanceId, false), state.instanceId);
  completed(await client.waitForOrchestrationCompletion(state.instanceId, true, 30), 8);
});

test("purge removes a finished instance and refuses a running one", async () => {
  const state = await run("empty");
  assert.equal((await client.purgeOrchestration(state.instanceId)).deletedInstanceCount, 1);
  assert.equal(await client.getOrchestrationState(state.instanceId), undefined);
  const id = await client.scheduleNewOrchestration("event");
  await assert.rejects(client.purgeOrchestration(id));
  await client.terminateOrchestration(id);
});

test("purge by filter removes what has ended", async () => {
  const from = new Date();
  const state = await run("empty");
  const criteria = new PurgeInstanceCriteria();
  criteria.setCreatedTimeFrom(from);
  criteria.setRuntimeStatusList([ProtoOrchestrationStatus.ORCHESTRATION_STATUS_COMPLETED]);
  assert.ok((await client.purgeOrchestration(criteria)).deletedInstanceCount >= 1);
  assert.equal(await client.getOrchestrationState(state.instanceId), undefined);
});

test("query pages over all instances once, and lists ids of finished ones", async () => {
  const prefix = `page-${randomUUID()}-`;
  const ids = [];
  for (let i = 0; i < 7; i++) ids.push(await client.scheduleNewOrchestration("empty", undefined, `${prefix}${i}`));
  for (const id of ids) await client.waitForOrchestrationCompletion(id, false, 30);
  const found = [];
  for await (const state of client.getAllInstances({ instanceIdPrefix: prefix, pageSize: 3 })) found.push(state.instanceId);
  assert.deepEqual(found, ids);
  const page = await client.listInstanceIds({ runtimeStatus: [OrchestrationStatus.COMPLETED], pageSize: 1000 });
  assert.ok(ids.every((id) => page.values.includes(id)));
});

test("the history tells what happened", async () => {
  const state = await run("sequence", 1);
  const events = await client.getOrchestrationHistory(state.instanceId);
  const types = events.map((event) => event.type);
  assert.equal(types.filter((type) => type === "TaskScheduled").length, 5);
  assert.equal(types.filter((type) => type === "TaskCompleted").length, 5);
  assert.ok(types.includes("ExecutionStarted"));
  assert.equal(types.at(-1), "ExecutionCompleted");
  assert.equal(types.filter((type) => type === "OrchestratorStarted").length, 6);
});

test("what the hub cannot do fails the orchestration and says so", async () => {
  const state = await run("signalsEntity");
  assert.equal(state.runtimeStatus, OrchestrationStatus.FAILED);
  assert.match(state.failureDetails.message, /SendEntityMessage/);
});

test("what does not exist is not found", async () => {
  assert.equal(await client.getOrchestrationState("no-such-instance"), undefined);
  await assert.rejects(client.raiseOrchestrationEvent("no-such-instance", "x"), (error) => error.code === grpc.status.NOT_FOUND);
  assert.deepEqual(await client.getOrchestrationHistory("no-such-instance"), []);
});
