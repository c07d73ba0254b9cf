// The official Durable Task SDK for JavaScript, client and worker, against our task hub.
// Needs TASKHUB_ADDRESS=host:port of a running hub and TASKHUB_KEY, its access key; the integration tests start one and set it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import {
  EntityInstanceId, NoOpLogger, OrchestrationStatus, ProtoOrchestrationStatus, PurgeInstanceCriteria, RetryPolicy, TaskEntity, TaskHubGrpcClient,
  TaskHubGrpcWorker, terminateOptions, whenAll, whenAny,
} from "@microsoft/durabletask-js";
import grpc from "@grpc/grpc-js";

const hostAddress = process.env.TASKHUB_ADDRESS;
const hub = `js${randomUUID().replaceAll("-", "")}`;
const metadataGenerator = async () => {
  const metadata = new grpc.Metadata();
  metadata.set("taskhub", hub);
  metadata.set("authorization", `Bearer ${process.env.TASKHUB_KEY}`);
  return metadata;
};

let client;
let worker;
let attempts = 0;
let repaired = false;
const repairs = new Map();

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
  async *repairable(context, value) {
    const first = yield context.callActivity("plusOne", value);
    return yield context.callActivity("broken", first);
  },
  async *repairableAfterRetries(context, value) {
    const retry = new RetryPolicy({ maxNumberOfAttempts: 2, firstRetryIntervalInMilliseconds: 20 });
    return yield context.callActivity("broken", value, { retry });
  },
  async *echo(context, text) {
    return yield context.callActivity("same", text);
  },
  async *repairableParent(context, value) {
    return yield context.callSubOrchestrator("repairable", value, { instanceId: `${context.instanceId}-child` });
  },
  async *callsEntity(context, key) {
    const counter = new EntityInstanceId("counter", key);
    context.entities.signalEntity(counter, "add", 5);
    yield context.entities.callEntity(counter, "add", 2);
    return yield context.entities.callEntity(counter, "get");
  },
  async *catchesEntity(context, key) {
    try {
      yield context.entities.callEntity(new EntityInstanceId("counter", key), "fail");
    } catch (error) {
      return error.message.includes("no good");
    }
    return "not caught";
  },
  async *transfers(context, { from, to, amount }) {
    const [source, target] = [new EntityInstanceId("counter", from), new EntityInstanceId("counter", to)];
    const lock = yield context.entities.lockEntities(source, target);
    const balance = yield context.entities.callEntity(source, "get");
    yield context.createTimer(new Date(context.currentUtcDateTime.getTime() + 20));
    if (balance >= amount) {
      yield context.entities.callEntity(source, "add", -amount);
      yield context.entities.callEntity(target, "add", amount);
    }
    lock.release();
    return balance >= amount;
  },
  async *sends(context, target) {
    context.sendEvent(target, "answer", "from an orchestrator");
    return "sent";
  },
};

class Counter extends TaskEntity {
  initializeState() {
    return { value: 0 };
  }
  add(amount) {
    this.state.value += amount;
    return this.state.value;
  }
  get() {
    return this.state.value;
  }
  fail() {
    this.state.value = -1;
    throw new Error("no good");
  }
  forward(key) {
    this.context.signalEntity(new EntityInstanceId("counter", key), "add", this.state.value);
  }
  start(id) {
    return this.context.scheduleNewOrchestration("sequence", this.state.value, { instanceId: id });
  }
}

async function entityState(key) {
  return (await client.getEntity(new EntityInstanceId("counter", key)))?.state?.value;
}

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
  worker.addNamedActivity("same", async (_, value) => value);
  worker.addNamedActivity("fails", async (_, message) => { throw new Error(message); });
  worker.addNamedActivity("failsTwice", async () => {
    attempts++;
    if (attempts < 3) throw new Error(`attempt ${attempts}`);
    return attempts;
  });
  worker.addNamedActivity("broken", async (context, value) => {
    repairs.set(context.orchestrationId, (repairs.get(context.orchestrationId) ?? 0) + 1);
    if (!repaired) throw new Error("broken");
    return value * 10;
  });
  worker.addNamedEntity("counter", () => new Counter());
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

test("an instance id can be used again when its instance has ended", async () => {
  const id = `once-${randomUUID()}`;
  await client.scheduleNewOrchestration("event", undefined, id);
  await assert.rejects(client.scheduleNewOrchestration("event", undefined, id), (error) => error.code === grpc.status.ALREADY_EXISTS);
  await client.terminateOrchestration(id);
  await client.waitForOrchestrationCompletion(id, false, 30);
  assert.equal(await client.scheduleNewOrchestration("empty", undefined, id), id);
  completed(await client.waitForOrchestrationCompletion(id, true, 30), "nothing");
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

test("rewind runs what failed again, in sub-orchestrations too, and nothing else", async () => {
  repaired = false;
  const state = await run("repairableParent", 1);
  assert.equal(state.runtimeStatus, OrchestrationStatus.FAILED);
  repaired = true;
  await client.rewindInstance(state.instanceId, "repaired");
  completed(await client.waitForOrchestrationCompletion(state.instanceId, true, 30), 20);
  assert.equal(repairs.get(`${state.instanceId}-child`), 2);
  await assert.rejects(client.rewindInstance(state.instanceId, "again"));
  await assert.rejects(client.rewindInstance("no-such-instance", "why"));
});

test("rewind of a retried activity runs its last attempt again", async () => {
  repaired = false;
  const state = await run("repairableAfterRetries", 4);
  assert.equal(state.runtimeStatus, OrchestrationStatus.FAILED);
  assert.equal(repairs.get(state.instanceId), 2);
  repaired = true;
  await client.rewindInstance(state.instanceId, "repaired");
  completed(await client.waitForOrchestrationCompletion(state.instanceId, true, 30), 40);
  assert.equal(repairs.get(state.instanceId), 3);
});

test("payloads of several megabytes pass unchanged", async () => {
  const text = "0123456789".repeat(300_000);
  const state = await run("echo", text);
  completed(state, text);
  assert.equal(JSON.parse(state.serializedInput), text);
});

test("entities keep what they are signalled, in order", async () => {
  const key = randomUUID();
  for (let i = 1; i <= 20; i++) await client.signalEntity(new EntityInstanceId("Counter", key), "add", i);
  await until(async () => (await entityState(key)) === 210, "the signals did not arrive");
  const entity = await client.getEntity(new EntityInstanceId("counter", key), false);
  assert.equal(entity.includesState, false);
  assert.equal(await client.getEntity(new EntityInstanceId("counter", "nobody")), undefined);
});

test("orchestrators signal and call entities", async () => {
  const state = await run("callsEntity", randomUUID());
  completed(state, 7);
  const types = (await client.getOrchestrationHistory(state.instanceId)).map((event) => event.type);
  assert.equal(types.filter((type) => type === "EntityOperationCalled").length, 2);
  assert.equal(types.filter((type) => type === "EntityOperationCompleted").length, 2);
});

test("an operation that throws fails its caller and leaves the entity as it was", async () => {
  const key = randomUUID();
  await client.signalEntity(new EntityInstanceId("counter", key), "add", 3);
  completed(await run("catchesEntity", key), true);
  assert.equal(await entityState(key), 3);
});

test("critical sections keep transfers apart", async () => {
  const [a, b] = [`a-${randomUUID()}`, `b-${randomUUID()}`];
  await client.signalEntity(new EntityInstanceId("counter", a), "add", 100);
  await until(async () => (await entityState(a)) === 100, "the account was not filled");
  const transfers = [];
  for (let i = 0; i < 12; i++) transfers.push(run("transfers", i % 3 === 2 ? { from: b, to: a, amount: 10 } : { from: a, to: b, amount: 30 }));
  const states = await Promise.all(transfers);
  assert.ok(states.every((state) => state.runtimeStatus === OrchestrationStatus.COMPLETED));
  const [left, right] = [await entityState(a), await entityState(b)];
  assert.equal(left + right, 100);
  assert.ok(left >= 0 && right >= 0, `${left} and ${right}`);
  await until(async () => !(await client.getEntity(new EntityInstanceId("counter", a))).lockedBy, "the lock was not released");
});

test("entities signal entities and start orchestrations", async () => {
  const [from, to, id] = [randomUUID(), randomUUID(), `started-${randomUUID()}`];
  await client.signalEntity(new EntityInstanceId("counter", from), "add", 4);
  await client.signalEntity(new EntityInstanceId("counter", from), "forward", to);
  await client.signalEntity(new EntityInstanceId("counter", from), "start", id);
  await until(async () => (await entityState(to)) === 4, "the signal did not arrive");
  await until(async () => await client.getOrchestrationState(id), "the orchestration was not started");
  completed(await client.waitForOrchestrationCompletion(id, true, 30), 9);
});

test("a signal for later waits for its time", async () => {
  const key = randomUUID();
  const due = Date.now() + 700;
  await client.signalEntity(new EntityInstanceId("counter", key), "add", 1, { signalTime: new Date(due) });
  await until(async () => (await entityState(key)) === 1, "the signal did not arrive");
  assert.ok(Date.now() >= due, "the signal came early");
});

test("entities are listed by name and key, page by page, and cleaned when they are deleted", async () => {
  const prefix = `list-${randomUUID()}-`;
  for (let i = 0; i < 5; i++) await client.signalEntity(new EntityInstanceId("counter", `${prefix}${i}`), "add", i);
  await until(async () => (await entityState(`${prefix}4`)) === 4, "the signals did not arrive");
  const found = [];
  for await (const entity of client.getEntities({ instanceIdStartsWith: `counter@${prefix}`, includeState: true, pageSize: 2 })) found.push([entity.id.key, entity.state.value]);
  assert.deepEqual(found.sort(), [0, 1, 2, 3, 4].map((i) => [`${prefix}${i}`, i]));
  await client.signalEntity(new EntityInstanceId("counter", `${prefix}0`), "delete");
  await until(async () => (await client.getEntity(new EntityInstanceId("counter", `${prefix}0`)))?.state === undefined, "the entity was not deleted");
  const cleaned = await client.cleanEntityStorage();
  assert.ok(cleaned.emptyEntitiesRemoved >= 0);
});

test("what does not exist is not found, and events for it are dropped", async () => {
  assert.equal(await client.getOrchestrationState("no-such-instance"), undefined);
  await client.raiseOrchestrationEvent("no-such-instance", "x");
  await client.terminateOrchestration("no-such-instance");
  assert.equal(await client.getOrchestrationState("no-such-instance"), undefined);
  assert.deepEqual(await client.getOrchestrationHistory("no-such-instance"), []);
});
