// Topics, rules, forwarding, duplicate detection and time to live: the official Service Bus SDK for JavaScript against the
// platform's broker, which is configured by a file in the shape of Microsoft's emulator.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { ServiceBusAdministrationClient, ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

const seconds = (n) => n * 1000;
const retryOptions = { maxRetries: 1, retryDelayInMs: 200, timeoutInMs: 20_000 };
let broker;
let client;

const rule = (name, properties) => ({ Name: name, Properties: properties });
const sql = (expression, action) => ({
  FilterType: "Sql",
  SqlFilter: { SqlExpression: expression },
  ...(action ? { Action: { SqlExpression: action } } : {}),
});

before(async () => {
  broker = await startBroker([], {
    Queues: [
      { Name: "unique", Properties: { RequiresDuplicateDetection: true, DuplicateDetectionHistoryTimeWindow: "PT2S" } },
      { Name: "short-life", Properties: { DefaultMessageTimeToLive: "PT1S", DeadLetteringOnMessageExpiration: true } },
      { Name: "gone", Properties: { DefaultMessageTimeToLive: "PT1S" } },
      { Name: "last", Properties: {} },
      { Name: "first", Properties: { ForwardTo: "middle" } },
      { Name: "middle", Properties: { ForwardTo: "last" } },
      { Name: "nowhere", Properties: {} },
      { Name: "astray", Properties: { ForwardTo: "nowhere" } },
      { Name: "circle", Properties: { ForwardTo: "elcric" } },
      { Name: "elcric", Properties: { ForwardTo: "circle" } },
      { Name: "fragile", Properties: { MaxDeliveryCount: 1, ForwardDeadLetteredMessagesTo: "last" } },
    ],
    Topics: [
      {
        Name: "orders",
        Properties: {},
        Subscriptions: [
          { Name: "all", Properties: {} },
          { Name: "blue", Properties: {}, Rules: [rule("blue", sql("color = 'blue' AND quantity > 3"))] },
          {
            Name: "label",
            Properties: {},
            Rules: [rule("label", { FilterType: "Correlation", CorrelationFilter: { Label: "urgent", Properties: { color: "red" } } })],
          },
          { Name: "changed", Properties: {}, Rules: [rule("a", sql("color = 'blue'", "SET seen = 'a'; SET sys.Label = 'was blue'")), rule("b", sql("quantity > 3", "SET seen = 'b'"))] },
          { Name: "strict", Properties: {}, Rules: [rule("strict", sql("quantity > 'text'"))] },
          { Name: "forwarded", Properties: { ForwardTo: "last" }, Rules: [rule("forward", sql("EXISTS(forward)"))] },
        ],
      },
      { Name: "managed", Properties: {}, Subscriptions: [{ Name: "rules", Properties: {} }] },
      { Name: "unique-topic", Properties: { RequiresDuplicateDetection: true }, Subscriptions: [{ Name: "a", Properties: {} }, { Name: "b", Properties: {} }] },
    ],
  });
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

// Receives as many messages as are expected, and makes sure that there are no more.
async function take(receiver, expected = 0) {
  const result = [];
  while (result.length < expected) {
    const messages = await receiver.receiveMessages(expected - result.length, { maxWaitTimeInMs: seconds(10) });
    assert.ok(messages.length > 0, `only ${result.length} of ${expected} came`);
    result.push(...messages);
  }
  result.push(...(await receiver.receiveMessages(1, { maxWaitTimeInMs: 200 })));
  await receiver.close();
  return result;
}
const deleting = { receiveMode: "receiveAndDelete" };
const fromSubscription = (topic, name, least, options = {}) => take(client.createReceiver(topic, name, { ...deleting, ...options }), least);
const fromQueue = (name, least, options = {}) => take(client.createReceiver(name, { ...deleting, ...options }), least);
const bodies = (messages) => messages.map((message) => message.body).sort();

test("each subscription gets what its rules select", async () => {
  await send(
    "orders",
    { body: 1, applicationProperties: { color: "blue", quantity: 5 } },
    { body: 2, applicationProperties: { color: "blue", quantity: 1 } },
    { body: 3, subject: "urgent", applicationProperties: { color: "red", quantity: 2 } },
    { body: 4, subject: "urgent" },
  );
  assert.deepEqual(bodies(await fromSubscription("orders", "all", 4)), [1, 2, 3, 4]);
  assert.deepEqual(bodies(await fromSubscription("orders", "blue", 1)), [1]);
  assert.deepEqual(bodies(await fromSubscription("orders", "label", 1)), [3]);
  const changed = await fromSubscription("orders", "changed", 3);
  assert.deepEqual(changed.map((m) => [m.body, m.applicationProperties.seen, m.subject]).sort(), [
    [1, "a", "was blue"],
    [1, "b", undefined],
    [2, "a", "was blue"],
  ]);
});

test("a message that a filter cannot judge is dead-lettered", async () => {
  const dead = await fromSubscription("orders", "strict", 3, { subQueueType: "deadLetter" });
  assert.deepEqual(bodies(dead), [1, 2, 3]);
  assert.equal(dead[0].deadLetterReason, "FilterEvaluationException");
});

test("rules are added, listed and removed through the rule manager", async () => {
  const rules = client.createRuleManager("managed", "rules");
  const list = async () => {
    const found = [];
    for await (const one of rules.listRules()) found.push(one);
    return found;
  };
  assert.deepEqual((await list()).map((one) => [one.name, one.filter.sqlExpression]), [["$Default", "1=1"]]);
  await rules.deleteRule("$Default");
  await rules.createRule("sql", { sqlExpression: "n > 1" }, { sqlExpression: "SET big = TRUE" });
  const correlation = { subject: "x", correlationId: "c", applicationProperties: { text: "t", flag: true } };
  await rules.createRule("correlation", correlation);
  await assert.rejects(rules.createRule("sql", { sqlExpression: "1=1" }), { code: "MessagingEntityAlreadyExists" });
  await assert.rejects(rules.createRule("broken", { sqlExpression: "n >" }));
  await assert.rejects(rules.deleteRule("no such rule"), { code: "MessagingEntityNotFound" });
  const [first, second] = await list();
  assert.equal(first.filter.sqlExpression, "n > 1");
  assert.equal(first.action.sqlExpression, "SET big = TRUE");
  assert.deepEqual(
    { subject: second.filter.subject, correlationId: second.filter.correlationId, applicationProperties: second.filter.applicationProperties },
    correlation,
  );
  await send("managed", { body: 1, applicationProperties: { n: 1 } }, { body: 2, applicationProperties: { n: 2 } });
  const got = await fromSubscription("managed", "rules", 1);
  assert.deepEqual(got.map((m) => [m.body, m.applicationProperties.big]), [[2, true]]);
});

test("messages are scheduled on topics, and cancelled there", async () => {
  const sender = client.createSender("orders");
  const due = new Date(Date.now() + 1000);
  const [kept, cancelled] = await sender.scheduleMessages([{ body: "kept" }, { body: "cancelled" }], due);
  await sender.cancelScheduledMessages(cancelled);
  assert.ok(kept < cancelled);
  assert.deepEqual(bodies(await fromSubscription("orders", "all", 1)), ["kept"]);
  assert.ok(Date.now() >= due.getTime() - 50);
});

test("a subscription's messages are settled, deferred and dead-lettered like a queue's", async () => {
  await send("orders", { body: "a" }, { body: "b" });
  const receiver = client.createReceiver("orders", "all");
  const [a] = await receiver.receiveMessages(1, { maxWaitTimeInMs: seconds(10) });
  const [b] = await receiver.receiveMessages(1, { maxWaitTimeInMs: seconds(10) });
  await receiver.deferMessage(a);
  await receiver.deadLetterMessage(b, { deadLetterReason: "no" });
  const [deferred] = await receiver.receiveDeferredMessages([a.sequenceNumber]);
  await receiver.completeMessage(deferred);
  await receiver.close();
  const [dead] = await fromSubscription("orders", "all", 1, { subQueueType: "deadLetter" });
  assert.equal(dead.deadLetterReason, "no");
});

test("a topic cannot be received from, nor a subscription sent to", async () => {
  await assert.rejects(client.createReceiver("orders").receiveMessages(1, { maxWaitTimeInMs: 500 }));
  await assert.rejects(client.createSender("orders/Subscriptions/all").sendMessages({ body: 1 }));
});

test("an id that was seen in the window is dropped, and accepted again after it", async () => {
  const messageId = randomUUID();
  await send("unique", { body: 1, messageId });
  await send("unique", { body: 2, messageId }, { body: 3, messageId: randomUUID() });
  assert.deepEqual(bodies(await fromQueue("unique", 2)), [1, 3]);
  await new Promise((resolve) => setTimeout(resolve, 2200));
  await send("unique", { body: 4, messageId });
  assert.deepEqual(bodies(await fromQueue("unique", 1)), [4]);
  const batch = randomUUID();
  await send("unique", { body: 5, messageId: batch }, { body: 6, messageId: batch });
  assert.deepEqual(bodies(await fromQueue("unique", 1)), [5]);
});

test("a topic drops a repeated message for all of its subscriptions", async () => {
  const messageId = randomUUID();
  await send("unique-topic", { body: 1, messageId });
  await send("unique-topic", { body: 2, messageId });
  assert.deepEqual(bodies(await fromSubscription("unique-topic", "a", 1)), [1]);
  assert.deepEqual(bodies(await fromSubscription("unique-topic", "b", 1)), [1]);
});

test("messages are forwarded along queues and from subscriptions", async () => {
  await send("first", { body: "forwarded", messageId: "f" });
  await send("orders", { body: "from a topic", applicationProperties: { forward: true } });
  assert.deepEqual(bodies(await fromQueue("last", 2)), ["forwarded", "from a topic"]);
  await fromSubscription("orders", "all", 1);
});

test("what cannot be forwarded is a transfer dead letter", async () => {
  const admin = new ServiceBusAdministrationClient(broker.administrationConnectionString, { tlsOptions: { ca: broker.certificate() } });
  await admin.deleteQueue("nowhere"); // A target must be there when it is named, and may go later.
  await send("astray", { body: 1 });
  const [lost] = await fromQueue("astray", 1, { subQueueType: "transferDeadLetter" });
  assert.equal(lost.body, 1);
  await send("circle", { body: 2 });
  const [circled] = await fromQueue("circle", 1, { subQueueType: "transferDeadLetter" });
  assert.equal(circled.deadLetterReason, "MaxTransferHopCountExceeded");
});

test("dead letters are forwarded", async () => {
  await send("fragile", { body: "broken" });
  const receiver = client.createReceiver("fragile");
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: seconds(10) });
  await receiver.abandonMessage(message);
  await receiver.close();
  const [dead] = await fromQueue("last", 1);
  assert.equal(dead.body, "broken");
  assert.equal(dead.deadLetterReason, "MaxDeliveryCountExceeded");
});

test("a message ends with its time to live, also where nobody receives", async () => {
  await send("short-life", { body: 1, timeToLive: seconds(60) }, { body: 2 });
  await send("gone", { body: 3 });
  const dead = await fromQueue("short-life", 2, { subQueueType: "deadLetter" });
  assert.deepEqual(bodies(dead), [1, 2]);
  assert.equal(dead[0].deadLetterReason, "TTLExpiredException");
  const deadline = Date.now() + seconds(10);
  for (let left = 1; left > 0; ) {
    const receiver = client.createReceiver("gone");
    left = (await receiver.peekMessages(1)).length;
    await receiver.close();
    assert.ok(Date.now() < deadline, "it is still there");
  }
});
