// Sessions: the official Service Bus SDK for JavaScript against the platform's broker.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

const seconds = (n) => n * 1000;
const retryOptions = { maxRetries: 0, timeoutInMs: 3_000 };
const queue = "sessions";
const short = "short-sessions";
let broker;
let client;

before(async () => {
  broker = await startBroker([
    { Name: queue, RequiresSession: true, MaxDeliveryCount: 3 },
    { Name: short, RequiresSession: true, LockDurationSeconds: 1, MaxDeliveryCount: 2 },
  ]);
  client = new ServiceBusClient(broker.connectionString, { retryOptions });
});
after(async () => {
  await client?.close();
  await broker?.stop();
});

async function send(entity, ...messages) {
  const sender = client.createSender(entity);
  await sender.sendMessages(messages);
  await sender.close();
}
async function take(receiver, count) {
  const result = [];
  while (result.length < count) {
    const messages = await receiver.receiveMessages(count - result.length, { maxWaitTimeInMs: seconds(5) });
    assert.ok(messages.length > 0, `only ${result.length} of ${count} came`);
    result.push(...messages);
  }
  return result;
}

test("a named session gives its own messages in order", async () => {
  for (let i = 0; i < 10; i++) await send(queue, { body: i, sessionId: i % 2 ? "odd" : "even" });
  const odd = await client.acceptSession(queue, "odd");
  assert.equal(odd.sessionId, "odd");
  assert.ok(odd.sessionLockedUntilUtc > new Date());
  const messages = await take(odd, 5);
  assert.deepEqual(messages.map((m) => m.body), [1, 3, 5, 7, 9]);
  assert.equal(messages[0].sessionId, "odd");
  for (const message of messages) await odd.completeMessage(message);
  assert.deepEqual(await odd.receiveMessages(1, { maxWaitTimeInMs: 200 }), []);
  await odd.close();
  const even = await client.acceptSession(queue, "even", { receiveMode: "receiveAndDelete" });
  assert.deepEqual((await take(even, 5)).map((m) => m.body), [0, 2, 4, 6, 8]);
  await even.close();
});

test("the next session is one with messages that nobody holds", async () => {
  await send(queue, { body: 1, sessionId: "a" }, { body: 2, sessionId: "b" });
  const first = await client.acceptNextSession(queue);
  const second = await client.acceptNextSession(queue);
  assert.deepEqual([first.sessionId, second.sessionId].sort(), ["a", "b"]);
  await assert.rejects(client.acceptNextSession(queue), { code: "ServiceTimeout" });
  for (const session of [first, second]) {
    for (const message of await take(session, 1)) await session.completeMessage(message);
    await session.close();
  }
});

test("a waiting receiver gets the session of a message that comes later", async () => {
  const waiting = client.acceptNextSession(queue);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await send(queue, { body: "late", sessionId: "later" });
  const session = await waiting;
  assert.equal(session.sessionId, "later");
  await session.completeMessage((await take(session, 1))[0]);
  await session.close();
});

test("a session that is held cannot be accepted, and can when it is closed", async () => {
  const holder = await client.acceptSession(queue, "held");
  await assert.rejects(client.acceptSession(queue, "held"), { code: "SessionCannotBeLocked" });
  await holder.close();
  const deadline = Date.now() + seconds(5);
  let next;
  while (!next) {
    next = await client.acceptSession(queue, "held").catch((error) => {
      assert.ok(Date.now() < deadline, error.message);
    });
  }
  await next.close();
});

test("a session keeps its state", async () => {
  const session = await client.acceptSession(queue, "state");
  assert.equal(await session.getSessionState(), null);
  await session.setSessionState({ step: 3, text: "你好" });
  assert.deepEqual(await session.getSessionState(), { step: 3, text: "你好" });
  await session.close();
  let again;
  while (!again) again = await client.acceptSession(queue, "state").catch(() => undefined);
  assert.deepEqual(await again.getSessionState(), { step: 3, text: "你好" });
  await again.close();
});

test("messages of a session are abandoned, deferred, dead-lettered and peeked", async () => {
  await send(queue, ...[1, 2, 3].map((body) => ({ body, sessionId: "work" })));
  const session = await client.acceptSession(queue, "work");
  assert.deepEqual((await session.peekMessages(10)).map((m) => m.body), [1, 2, 3]);
  const [one, two, three] = await take(session, 3);
  await session.abandonMessage(one);
  await session.deferMessage(two);
  await session.deadLetterMessage(three, { deadLetterReason: "bad" });
  const [again] = await take(session, 1);
  assert.equal(again.body, 1);
  assert.equal(again.deliveryCount, 1);
  await session.completeMessage(again);
  const [deferred] = await session.receiveDeferredMessages([two.sequenceNumber]);
  assert.equal(deferred.body, 2);
  await session.completeMessage(deferred);
  await session.close();
  const dead = client.createReceiver(queue, { subQueueType: "deadLetter", receiveMode: "receiveAndDelete" });
  assert.equal((await take(dead, 1))[0].deadLetterReason, "bad");
  await dead.close();
});

test("a renewed session lock outlives its duration, and a lost one is told", async () => {
  await send(short, { body: "long", sessionId: "renewed" });
  const session = await client.acceptSession(short, "renewed", { maxAutoLockRenewalDurationInMs: 0 });
  const [message] = await take(session, 1);
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok((await session.renewSessionLock()) > new Date());
  }
  await session.completeMessage(message);
  await session.close();

  await send(short, { body: "lost", sessionId: "lost" });
  const slow = await client.acceptSession(short, "lost", { maxAutoLockRenewalDurationInMs: 0 });
  const [lost] = await take(slow, 1);
  const other = await client.acceptNextSession(short);
  assert.equal(other.sessionId, "lost");
  await assert.rejects(slow.completeMessage(lost));
  const [taken] = await take(other, 1);
  assert.equal(taken.deliveryCount, 1, "an expired session lock counts as a delivery");
  await other.completeMessage(taken);
  await other.close();
  await slow.close();
});

test("an entity with sessions refuses messages and receivers without", async () => {
  await assert.rejects(send(queue, { body: 1 }));
  await assert.rejects(client.createReceiver(queue).receiveMessages(1, { maxWaitTimeInMs: 500 }));
});

test("many sessions are worked off by several receivers, each in order", async () => {
  const count = 20;
  const perSession = 5;
  for (let i = 0; i < perSession; i++) await send(queue, ...[...Array(count).keys()].map((s) => ({ body: i, sessionId: `many-${s}` })));
  const seen = new Map();
  await Promise.all(
    [...Array(4).keys()].map(async () => {
      while (seen.size < count) {
        let session;
        try {
          session = await client.acceptNextSession(queue);
        } catch (error) {
          assert.equal(error.code, "ServiceTimeout");
          continue;
        }
        const order = [];
        for (const message of await take(session, perSession)) {
          order.push(message.body);
          await session.completeMessage(message);
        }
        seen.set(session.sessionId, order);
        await session.close();
      }
    }),
  );
  for (const order of seen.values()) assert.deepEqual(order, [...Array(perSession).keys()]);
});
