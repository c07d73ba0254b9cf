// Consumers that compete, crash and let locks end: the official Service Bus SDK for JavaScript, each consumer a process of its
// own, against the platform's broker. Nothing is lost, and nothing is completed twice.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ServiceBusAdministrationClient, ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

const script = join(dirname(fileURLToPath(import.meta.url)), "support", "consumer.mjs");
const queue = "competing";
const lockMilliseconds = 2_000;
const running = new Set();
let broker;
let client;

before(async () => {
  broker = await startBroker([{ Name: queue, LockDurationSeconds: lockMilliseconds / 1000, RequiresDuplicateDetection: true }]);
  client = new ServiceBusClient(broker.connectionString);
});
after(async () => {
  await Promise.all([...running].map(kill));
  await client?.close();
  await broker?.stop();
});

function startConsumer(seed, fates) {
  const child = spawn("node", [script, broker.connectionString, queue, `${seed}`, `${lockMilliseconds}`], { stdio: ["ignore", "pipe", "ignore"] });
  running.add(child);
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { event, id, at, deliveredAt } = JSON.parse(line);
    const fate = fates.get(id);
    if (event === "received") fate.deliveries.push(deliveredAt);
    if (event === "completing") fate.attempts++;
    if (event === "completed") fate.completions.push(at);
  });
  return child;
}

async function kill(child) {
  running.delete(child);
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await ended;
}

test("competing consumers that abandon, crash and lose locks lose nothing and complete nothing twice", async () => {
  const ids = [...Array(600).keys()].map((i) => `m-${i}`);
  const fates = new Map(ids.map((id) => [id, { deliveries: [], attempts: 0, completions: [], deadLetters: 0 }]));
  const sender = client.createSender(queue);
  const consumers = [1, 2, 3].map((seed) => startConsumer(seed, fates));
  for (let i = 0; i < ids.length; i += 50) await sender.sendMessages(ids.slice(i, i + 50).map((messageId) => ({ body: messageId, messageId })));
  for (let crash = 0; crash < 4; crash++) {
    // Long enough to start, connect and have messages in hand.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const index = crash % consumers.length;
    await kill(consumers[index]);
    consumers[index] = startConsumer(10 + crash, fates);
  }
  // Not by peeking: the SDK goes on peeking where the client was, with a new receiver too.
  const administration = new ServiceBusAdministrationClient(broker.administrationConnectionString, { tlsOptions: { ca: broker.certificate() } });
  const deadline = Date.now() + 60_000;
  while ((await administration.getQueueRuntimeProperties(queue)).activeMessageCount > 0) {
    assert.ok(Date.now() < deadline, "the queue is not empty in time");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await Promise.all(consumers.map(kill));
  const dead = client.createReceiver(queue, { subQueueType: "deadLetter" });
  for (let messages; (messages = await dead.peekMessages(100)).length > 0; ) {
    for (const message of messages) fates.get(message.messageId).deadLetters++;
  }
  await dead.close();

  for (const [id, fate] of fates) {
    const { deliveries, attempts, completions, deadLetters } = fate;
    assert.ok(completions.length + deadLetters <= 1, `${id} ended more than once: ${JSON.stringify(fate)}`);

    // A consumer that was killed between asking and hearing cannot say whether it was done; the queue says that it was.
    assert.ok(completions.length + deadLetters === 1 || attempts > 0, `${id} is lost: ${JSON.stringify(fate)}`);
    assert.ok(deliveries.every((at) => completions.every((end) => at <= end)), `${id} was delivered after its completion was confirmed: ${JSON.stringify(fate)}`);
  }
  const all = [...fates.values()];
  assert.ok(all.filter((fate) => fate.completions.length === 1).length > 400, "most were completed and confirmed");
  assert.ok(all.some((fate) => fate.deadLetters === 1) && all.some((fate) => fate.deliveries.length > 1), "some were dead-lettered, some delivered again");
});
