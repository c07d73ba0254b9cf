// The official Service Bus SDK for JavaScript against the platform's broker.
// Starts a broker of its own, unless SERVICEBUS_CONNECTION_STRING names one with the queues `conformance` (max delivery
// count 3) and `conformance-short` (lock duration 2 s).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { ServiceBusClient, ServiceBusError } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

const queue = "conformance";
const shortQueue = "conformance-short";
const retryOptions = { maxRetries: 1, retryDelayInMs: 200, timeoutInMs: 20_000 };
let connectionString = process.env.SERVICEBUS_CONNECTION_STRING;
let broker;
let client;
const seconds = (n) => n * 1000;

async function drain(name) {
  for (const options of [{ receiveMode: "receiveAndDelete" }, { receiveMode: "receiveAndDelete", subQueueType: "deadLetter" }]) {
    const receiver = client.createReceiver(name, options);
    while ((await receiver.receiveMessages(100, { maxWaitTimeInMs: 300 })).length > 0);
    await receiver.close();
  }
}

async function receiveOne(receiver, wait = seconds(10)) {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: wait });
  return message;
}

before(async () => {
  if (!connectionString) {
    broker = await startBroker([
      { Name: queue, MaxDeliveryCount: 3 },
      { Name: shortQueue, LockDurationSeconds: 2 },
    ]);
    connectionString = broker.connectionString;
  }
  client = new ServiceBusClient(connectionString, { retryOptions });
  await drain(queue);
  await drain(shortQueue);
});
after(async () => {
  await client?.close();
  await broker?.stop();
});

test("a message keeps its body and its properties", async () => {
  const sender = client.createSender(queue);
  const sent = {
    body: { text: "héllo 你好", n: 1 },
    messageId: randomUUID(),
    correlationId: "c-1",
    subject: "subject",
    contentType: "application/json",
    replyTo: "answers",
    to: "somebody",
    timeToLive: seconds(600),
    applicationProperties: { text: "x", number: 7, flag: true, fraction: 1.5 },
  };
  await sender.sendMessages(sent);
  const receiver = client.createReceiver(queue);
  const message = await receiveOne(receiver);
  assert.deepEqual(message.body, sent.body);
  for (const key of ["messageId", "correlationId", "subject", "contentType", "replyTo", "to", "timeToLive"]) {
    assert.equal(message[key], sent[key], key);
  }
  assert.deepEqual(message.applicationProperties, sent.applicationProperties);
  assert.equal(message.deliveryCount, 0);
  assert.ok(message.sequenceNumber.toNumber() > 0);
  assert.ok(Math.abs(message.enqueuedTimeUtc - Date.now()) < seconds(60));
  assert.ok(message.lockedUntilUtc > new Date());
  await receiver.completeMessage(message);
  assert.equal(await receiveOne(receiver, 300), undefined);
  await receiver.close();
  await sender.close();
});

test("messages come in the order in which they were sent", async () => {
  const sender = client.createSender(queue);
  for (let i = 0; i < 20; i++) await sender.sendMessages({ body: i });
  const receiver = client.createReceiver(queue);
  const bodies = [];
  while (bodies.length < 20) {
    for (const message of await receiver.receiveMessages(7, { maxWaitTimeInMs: seconds(10) })) {
      bodies.push(message.body);
      await receiver.completeMessage(message);
    }
  }
  assert.deepEqual(bodies, [...Array(20).keys()]);
  await receiver.close();
});

test("a batch is accepted whole", async () => {
  const sender = client.createSender(queue);
  const batch = await sender.createMessageBatch();
  for (let i = 0; i < 100; i++) assert.ok(batch.tryAddMessage({ body: `b${i}`, messageId: `id-${i}` }));
  await sender.sendMessages(batch);
  const receiver = client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
  const received = [];
  while (received.length < 100) {
    const messages = await receiver.receiveMessages(100 - received.length, { maxWaitTimeInMs: seconds(10) });
    assert.ok(messages.length > 0, `stalled after ${received.length}`);
    received.push(...messages);
  }
  assert.deepEqual(received.map((m) => m.messageId), [...Array(100).keys()].map((i) => `id-${i}`));
  await receiver.close();
});

test("a batch refuses what does not fit, and the broker refuses what is too large", async () => {
  const sender = client.createSender(queue);
  const batch = await sender.createMessageBatch();
  assert.ok(batch.maxSizeInBytes >= 256 * 1024);
  assert.equal(batch.tryAddMessage({ body: Buffer.alloc(batch.maxSizeInBytes + 1) }), false);
  await assert.rejects(sender.sendMessages({ body: Buffer.alloc(3 * 1024 * 1024) }), (error) => {
    assert.ok(error instanceof ServiceBusError);
    assert.equal(error.code, "MessageSizeExceeded");
    return true;
  });
  await sender.sendMessages({ body: "still works" });
  const receiver = client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
  assert.equal((await receiveOne(receiver)).body, "still works");
  await receiver.close();
});

test("a large message survives the way", async () => {
  const sender = client.createSender(queue);
  const body = Buffer.alloc(700 * 1024, "x");
  await sender.sendMessages({ body });
  const receiver = client.createReceiver(queue);
  const message = await receiveOne(receiver);
  assert.equal(Buffer.from(message.body).compare(body), 0);
  await receiver.abandonMessage(message);
  const again = await receiveOne(receiver);
  assert.equal(Buffer.from(again.body).compare(body), 0);
  await receiver.completeMessage(again);
  await receiver.close();
});

test("an abandoned message comes back with a higher delivery count and changed properties", async () => {
  const sender = client.createSender(queue);
  await sender.sendMessages({ body: "again", applicationProperties: { tried: 0 } });
  const receiver = client.createReceiver(queue);
  const first = await receiveOne(receiver);
  await receiver.abandonMessage(first, { tried: 1 });
  const second = await receiveOne(receiver);
  assert.equal(second.deliveryCount, 1);
  assert.equal(second.applicationProperties.tried, 1);
  assert.equal(second.sequenceNumber.toString(), first.sequenceNumber.toString());
  await receiver.completeMessage(second);
  await receiver.close();
});

test("a message is dead-lettered after its last delivery", async () => {
  const sender = client.createSender(queue);
  await sender.sendMessages({ body: "poison", messageId: "poison" });
  const receiver = client.createReceiver(queue);
  for (let i = 0; i < 3; i++) await receiver.abandonMessage(await receiveOne(receiver));
  assert.equal(await receiveOne(receiver, 300), undefined);
  const dead = client.createReceiver(queue, { subQueueType: "deadLetter" });
  const message = await receiveOne(dead);
  assert.equal(message.messageId, "poison");
  assert.equal(message.deadLetterReason, "MaxDeliveryCountExceeded");
  assert.equal(message.deliveryCount, 3);
  await dead.completeMessage(message);
  await dead.close();
  await receiver.close();
});

test("a message is dead-lettered on request, with reason and description", async () => {
  const sender = client.createSender(queue);
  await sender.sendMessages({ body: "bad", applicationProperties: { kept: "yes" } });
  const receiver = client.createReceiver(queue);
  await receiver.deadLetterMessage(await receiveOne(receiver), {
    deadLetterReason: "unreadable",
    deadLetterErrorDescription: "no such field",
    extra: "added",
  });
  const dead = client.createReceiver(queue, { subQueueType: "deadLetter" });
  const message = await receiveOne(dead);
  assert.equal(message.deadLetterReason, "unreadable");
  assert.equal(message.deadLetterErrorDescription, "no such field");
  assert.equal(message.applicationProperties.kept, "yes");
  assert.equal(message.applicationProperties.extra, "added");
  assert.equal(message.deadLetterSource?.toLowerCase(), queue);
  await dead.completeMessage(message);
  await dead.close();
  await receiver.close();
});

test("a deferred message is received by its sequence number only", async () => {
  const sender = client.createSender(queue);
  await sender.sendMessages({ body: "later" });
  const receiver = client.createReceiver(queue);
  const message = await receiveOne(receiver);
  await receiver.deferMessage(message, { why: "busy" });
  assert.equal(await receiveOne(receiver, 300), undefined);
  const [deferred] = await receiver.receiveDeferredMessages([message.sequenceNumber]);
  assert.equal(deferred.body, "later");
  assert.equal(deferred.applicationProperties.why, "busy");
  await receiver.completeMessage(deferred);
  await assert.rejects(receiver.receiveDeferredMessages([message.sequenceNumber]), { code: "MessageNotFound" });
  await receiver.close();
});

test("a renewed lock outlives its duration", async () => {
  const sender = client.createSender(shortQueue);
  await sender.sendMessages({ body: "long work" });
  const receiver = client.createReceiver(shortQueue, { maxAutoLockRenewalDurationInMs: 0 });
  const message = await receiveOne(receiver);
  const deadline = Date.now() + seconds(4);
  while (Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 800));
    const until = await receiver.renewMessageLock(message);
    assert.ok(until > new Date());
  }
  await receiver.completeMessage(message);
  await receiver.close();
});

test("a lock that ends gives the message to another receiver, and its old holder is told", async () => {
  const sender = client.createSender(shortQueue);
  await sender.sendMessages({ body: "slow" });
  const slow = client.createReceiver(shortQueue, { maxAutoLockRenewalDurationInMs: 0 });
  const lost = await receiveOne(slow);
  const other = client.createReceiver(shortQueue);
  const taken = await receiveOne(other);
  assert.equal(taken.body, "slow");
  assert.equal(taken.deliveryCount, 1);
  await assert.rejects(slow.completeMessage(lost), { code: "MessageLockLost" });
  await assert.rejects(slow.renewMessageLock(lost), { code: "MessageLockLost" });
  await other.completeMessage(taken);
  await slow.close();
  await other.close();
});

test("scheduled messages come when they are due, cancelled ones never", async () => {
  const sender = client.createSender(queue);
  const due = new Date(Date.now() + 1500);
  const [kept, cancelled] = await sender.scheduleMessages([{ body: "kept" }, { body: "cancelled" }], due);
  await sender.cancelScheduledMessages(cancelled);
  await assert.rejects(sender.cancelScheduledMessages(cancelled), { code: "MessageNotFound" });
  const receiver = client.createReceiver(queue);
  assert.equal(await receiveOne(receiver, 300), undefined);
  const peeked = await receiver.peekMessages(10, { fromSequenceNumber: kept });
  assert.equal(peeked[0].state, "scheduled");
  const message = await receiveOne(receiver);
  assert.equal(message.body, "kept");
  assert.ok(Date.now() >= due.getTime() - 50);
  await receiver.completeMessage(message);
  assert.equal(await receiveOne(receiver, 500), undefined);
  await receiver.close();
});

test("peeking shows messages and locks nothing", async () => {
  const sender = client.createSender(queue);
  await sender.sendMessages([1, 2, 3].map((n) => ({ body: n })));
  const receiver = client.createReceiver(queue);
  const peeked = await receiver.peekMessages(10);
  assert.deepEqual(peeked.map((m) => m.body), [1, 2, 3]);
  assert.deepEqual((await receiver.peekMessages(10)).length, 0, "peeking goes on where it was");
  for (let n = 1; n <= 3; n++) {
    const message = await receiveOne(receiver);
    assert.equal(message.body, n);
    await receiver.completeMessage(message);
  }
  await receiver.close();
});

test("a subscription handles messages concurrently and completes them", async () => {
  const sender = client.createSender(queue);
  const count = 200;
  await sender.sendMessages([...Array(count).keys()].map((i) => ({ body: i })));
  const receiver = client.createReceiver(queue);
  const seen = new Set();
  await new Promise((resolve, reject) => {
    receiver.subscribe(
      {
        processMessage: async (message) => {
          seen.add(message.body);
          if (seen.size === count) resolve();
        },
        processError: async ({ error }) => reject(error),
      },
      { maxConcurrentCalls: 16 },
    );
  });

  // The SDK completes a message after its handler has ended, and waits for none of them when its receiver is closed.
  const rest = client.createReceiver(queue);
  const deadline = Date.now() + 20_000;
  while ((await rest.peekMessages(1)).length > 0) assert.ok(Date.now() < deadline, "some are not completed");
  await rest.close();
  await receiver.close();
});

test("a queue that does not exist is refused", async () => {
  const sender = client.createSender("no-such-queue");
  await assert.rejects(sender.sendMessages({ body: 1 }), { code: "MessagingEntityNotFound" });
});

test("a wrong key is refused", async () => {
  const forged = new ServiceBusClient(connectionString.replace(/SharedAccessKey=[^;]*/, "SharedAccessKey=wrong"), { retryOptions: { maxRetries: 0 } });
  await assert.rejects(forged.createSender(queue).sendMessages({ body: 1 }), { code: "UnauthorizedAccess" });
  await forged.close();
});

test("a hundred connections in a row open without a stall", async () => {
  for (let i = 0; i < 100; i++) {
    const one = new ServiceBusClient(connectionString, { retryOptions });
    const started = Date.now();
    await one.createSender(queue).sendMessages({ body: i });
    assert.ok(Date.now() - started < seconds(5), `connection ${i} took ${Date.now() - started} ms`);
    await one.close();
  }
  await drain(queue);
});
