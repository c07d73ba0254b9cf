// What goes wrong, seen by the official JavaScript client: it is told so, in time, and works on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServiceBusAdministrationClient, ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

let broker;
let admin;
let client;

before(async () => {
  broker = await startBroker([{ Name: "work" }]);
  admin = new ServiceBusAdministrationClient(broker.administrationConnectionString, { tlsOptions: { ca: broker.certificate() } });
  client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 1, retryDelayInMs: 100, timeoutInMs: 8_000 } });
});
after(async () => {
  await client?.close();
  await broker?.stop();
});

const soon = (promise) =>
  Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("It hangs.")), 20_000).unref())]);
const one = async (receiver) => {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 8_000 });
  assert.ok(message);
  return message;
};

test("a send to a disabled entity and to a deleted one fails in time", async () => {
  await admin.createQueue("closing");
  const sender = client.createSender("closing");
  await sender.sendMessages({ body: "x" });
  const queue = await admin.getQueue("closing");
  queue.status = "SendDisabled";
  await admin.updateQueue(queue);
  await assert.rejects(soon(sender.sendMessages({ body: "x" })), { code: "MessagingEntityDisabled" });
  queue.status = "Active";
  await admin.updateQueue(queue);
  await soon(sender.sendMessages({ body: "x" }));
  await admin.deleteQueue("closing");
  await assert.rejects(soon(sender.sendMessages({ body: "x" })), { code: "MessagingEntityNotFound" });
  await sender.close();
});

test("a dead-letter reason that no frame holds leaves the client usable", async () => {
  const sender = client.createSender("work");
  const receiver = client.createReceiver("work");
  await sender.sendMessages({ body: "first" });
  const message = await one(receiver);
  // The connection ends, and the client says it again to the management node, which takes it in several frames.
  await soon(receiver.deadLetterMessage(message, { deadLetterReason: "r".repeat(70_000), deadLetterErrorDescription: "d" }));
  const letters = client.createReceiver("work", { subQueueType: "deadLetter" });
  assert.equal((await one(letters)).deadLetterReason.length, 70_000);
  await letters.close();
  await soon(sender.sendMessages({ body: "second" }));
  const next = await one(receiver);
  await soon(receiver.completeMessage(next));
  await receiver.close();
  await sender.close();
});

test("scheduled messages are cancelled all or none", async () => {
  await admin.createQueue("later");
  const sender = client.createSender("later");
  const numbers = await sender.scheduleMessages([{ body: "a" }, { body: "b" }], new Date(Date.now() + 3_600_000));
  const unknown = numbers[1].add(1_000);
  await assert.rejects(sender.cancelScheduledMessages([...numbers, unknown]), { code: "MessageNotFound" });
  assert.equal((await admin.getQueueRuntimeProperties("later")).scheduledMessageCount, 2);
  await sender.cancelScheduledMessages(numbers);
  assert.equal((await admin.getQueueRuntimeProperties("later")).scheduledMessageCount, 0);
  await sender.close();
});

test("a full queue says so, and takes messages again when some were received", async () => {
  await admin.createQueue("small", { maxSizeInMegabytes: 1 });
  const sender = client.createSender("small");
  const body = Buffer.alloc(240_000);
  for (let i = 0; i < 4; i++) await sender.sendMessages({ body });
  await assert.rejects(soon(sender.sendMessages({ body })), { code: "QuotaExceeded" });
  const receiver = client.createReceiver("small");
  await receiver.completeMessage(await one(receiver));
  await sender.sendMessages({ body });
  await receiver.close();
  await sender.close();
});

test("message ids of two types are told apart, and a forwarded dead letter says where it was", async () => {
  await admin.createQueue("graves");
  await admin.createQueue("once", { requiresDuplicateDetection: true, forwardDeadLetteredMessagesTo: "graves" });
  const sender = client.createSender("once");
  for (const id of [1, 2, "1", "2", 1, 2, "1", "2"]) await sender.sendMessages({ body: "x", messageId: id });
  assert.equal((await admin.getQueueRuntimeProperties("once")).activeMessageCount, 4);
  const receiver = client.createReceiver("once");
  await receiver.deadLetterMessage(await one(receiver), { deadLetterReason: "no" });
  const graves = client.createReceiver("graves");
  const dead = await one(graves);
  assert.equal(dead.deadLetterSource, "once");
  assert.equal(dead.deadLetterReason, "no");
  await graves.close();
  await receiver.close();
  await sender.close();
});

test("several sequences come back after an abandon", async () => {
  const sender = client.createSender("work");
  const receiver = client.createReceiver("work");
  await sender.sendMessages({ bodyType: "sequence", body: [1, "two", 3] });
  await receiver.abandonMessage(await one(receiver), { seen: true });
  const again = await one(receiver);
  assert.deepEqual(again._rawAmqpMessage.bodyType, "sequence");
  assert.deepEqual([...again.body].flat(), [1, "two", 3]);
  assert.equal(again.applicationProperties.seen, true);
  await receiver.completeMessage(again);
  await receiver.close();
  await sender.close();
});

test("a forwarding target that does not exist is refused", async () => {
  await assert.rejects(admin.createQueue("lost", { forwardTo: "nowhere" }), /nowhere/);
  assert.equal(await admin.queueExists("lost"), false);
});
