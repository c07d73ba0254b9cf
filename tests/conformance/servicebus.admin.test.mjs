// The official administration client for JavaScript against the platform's broker, over TLS as it insists.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServiceBusAdministrationClient, ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

let broker;
let admin;
let client;

before(async () => {
  broker = await startBroker([{ Name: "configured" }]);
  admin = new ServiceBusAdministrationClient(broker.administrationConnectionString, { tlsOptions: { ca: broker.certificate() } });
  client = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 5_000 } });
});
after(async () => {
  await client?.close();
  await broker?.stop();
});

const all = async (iterator) => {
  const result = [];
  for await (const one of iterator) result.push(one);
  return result;
};
const send = async (name, ...messages) => {
  const sender = client.createSender(name);
  await sender.sendMessages(messages);
  await sender.close();
};

test("a queue is created, read, listed, updated and deleted", async () => {
  const created = await admin.createQueue("made", {
    lockDuration: "PT30S",
    maxDeliveryCount: 5,
    requiresSession: false,
    defaultMessageTimeToLive: "P1D",
    deadLetteringOnMessageExpiration: true,
    requiresDuplicateDetection: true,
    duplicateDetectionHistoryTimeWindow: "PT1M",
    userMetadata: "ours & <yours>",
    forwardDeadLetteredMessagesTo: "configured",
  });
  assert.equal(created.name, "made");
  const queue = await admin.getQueue("made");
  assert.equal(queue.lockDuration, "PT30S");
  assert.equal(queue.maxDeliveryCount, 5);
  assert.equal(queue.defaultMessageTimeToLive, "P1D");
  assert.equal(queue.requiresDuplicateDetection, true);
  assert.equal(queue.duplicateDetectionHistoryTimeWindow, "PT1M");
  assert.equal(queue.userMetadata, "ours & <yours>");
  assert.equal(queue.status, "Active");
  assert.ok(queue.forwardDeadLetteredMessagesTo.endsWith("/configured"));
  assert.deepEqual((await all(admin.listQueues())).map((one) => one.name).sort(), ["configured", "made"]);
  await assert.rejects(admin.createQueue("made"), { code: "MessageEntityAlreadyExistsError" });
  queue.maxDeliveryCount = 7;
  queue.lockDuration = "PT10S";
  const updated = await admin.updateQueue(queue);
  assert.equal(updated.maxDeliveryCount, 7);
  assert.equal((await admin.getQueue("made")).lockDuration, "PT10S");
  await assert.rejects(admin.updateQueue({ ...queue, requiresSession: true }));
  await assert.rejects(admin.createQueue("bad", { lockDuration: "PT1H" }));
  assert.equal(await admin.queueExists("made"), true);
  await admin.deleteQueue("made");
  assert.equal(await admin.queueExists("made"), false);
  await assert.rejects(admin.getQueue("made"), { code: "MessageEntityNotFoundError" });
  await assert.rejects(admin.deleteQueue("made"), { code: "MessageEntityNotFoundError" });
});

test("what is created can be used at once, and its counts are read", async () => {
  await admin.createQueue("counted");
  const sender = client.createSender("counted");
  await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
  await sender.scheduleMessages([{ body: 4 }], new Date(Date.now() + 600_000));
  const receiver = client.createReceiver("counted");
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
  await receiver.deadLetterMessage(message);
  await receiver.close();
  const counts = await admin.getQueueRuntimeProperties("counted");
  assert.deepEqual(
    [counts.activeMessageCount, counts.scheduledMessageCount, counts.deadLetterMessageCount, counts.totalMessageCount],
    [2, 1, 1, 4],
  );
  assert.ok(counts.sizeInBytes > 0);
  assert.ok(Math.abs(counts.createdAt - Date.now()) < 60_000);
  await admin.deleteQueue("counted");
  await assert.rejects(client.createReceiver("counted").receiveMessages(1, { maxWaitTimeInMs: 500 }), { code: "MessagingEntityNotFound" });
});

test("a queue that is disabled takes and gives nothing until it is enabled", async () => {
  const queue = await admin.createQueue("switched");
  await admin.updateQueue({ ...queue, status: "SendDisabled" });
  await assert.rejects(send("switched", { body: 1 }), { code: "MessagingEntityDisabled" });
  await admin.updateQueue({ ...queue, status: "ReceiveDisabled" });
  await send("switched", { body: 1 });
  await assert.rejects(client.createReceiver("switched").receiveMessages(1, { maxWaitTimeInMs: 500 }), { code: "MessagingEntityDisabled" });
  await admin.updateQueue({ ...queue, status: "Active" });
  const receiver = client.createReceiver("switched", { receiveMode: "receiveAndDelete" });
  assert.equal((await receiver.receiveMessages(1, { maxWaitTimeInMs: 5_000 })).length, 1);
  await receiver.close();
  await admin.deleteQueue("switched");
});

test("topics, subscriptions and rules are managed", async () => {
  await admin.createTopic("news", { requiresDuplicateDetection: true, userMetadata: "t" });
  await admin.createSubscription("news", "sport", {
    maxDeliveryCount: 4,
    defaultRuleOptions: { name: "first", filter: { sqlExpression: "kind = 'sport'" }, action: { sqlExpression: "SET read = FALSE" } },
  });
  await admin.createSubscription("news", "all");
  assert.equal((await admin.getTopic("news")).userMetadata, "t");
  assert.equal((await admin.getTopicRuntimeProperties("news")).subscriptionCount, 2);
  assert.deepEqual((await all(admin.listTopics())).map((one) => one.name), ["news"]);
  assert.deepEqual((await all(admin.listSubscriptions("news"))).map((one) => one.subscriptionName).sort(), ["all", "sport"]);
  const subscription = await admin.getSubscription("news", "sport");
  assert.deepEqual([subscription.topicName, subscription.subscriptionName, subscription.maxDeliveryCount], ["news", "sport", 4]);

  const first = await admin.getRule("news", "sport", "first");
  assert.equal(first.filter.sqlExpression, "kind = 'sport'");
  assert.equal(first.action.sqlExpression, "SET read = FALSE");
  await admin.createRule("news", "sport", "limit", { sqlExpression: "n > @limit", sqlParameters: { "@limit": 10 } });
  await admin.createRule("news", "sport", "correlation", { subject: "goal", applicationProperties: { team: "blue", final: true, minute: 90 } });
  const correlation = await admin.getRule("news", "sport", "correlation");
  assert.equal(correlation.filter.subject, "goal");
  assert.deepEqual(correlation.filter.applicationProperties, { team: "blue", final: true, minute: 90 });
  assert.deepEqual((await admin.getRule("news", "sport", "limit")).filter.sqlParameters, { "@limit": 10 });
  assert.deepEqual((await all(admin.listRules("news", "sport"))).map((one) => one.name).sort(), ["correlation", "first", "limit"]);
  await assert.rejects(admin.createRule("news", "sport", "first", { sqlExpression: "1=1" }), { code: "MessageEntityAlreadyExistsError" });
  await assert.rejects(admin.createRule("news", "sport", "broken", { sqlExpression: "1 =" }));

  await send(
    "news",
    { body: 1, applicationProperties: { kind: "sport" } },
    { body: 2, applicationProperties: { n: 11 } },
    { body: 3, subject: "goal", applicationProperties: { team: "blue", final: true, minute: 90 } },
    { body: 4 },
  );
  assert.equal((await admin.getSubscriptionRuntimeProperties("news", "sport")).activeMessageCount, 3);
  assert.equal((await admin.getSubscriptionRuntimeProperties("news", "all")).activeMessageCount, 4);
  await admin.updateRule("news", "sport", { ...first, filter: { sqlExpression: "kind = 'other'" }, action: {} });
  assert.equal((await admin.getRule("news", "sport", "first")).filter.sqlExpression, "kind = 'other'");
  await admin.deleteRule("news", "sport", "limit");
  assert.equal(await admin.ruleExists("news", "sport", "limit"), false);
  await admin.deleteSubscription("news", "all");
  assert.equal(await admin.subscriptionExists("news", "all"), false);
  await admin.deleteTopic("news");
  assert.equal(await admin.topicExists("news"), false);
  assert.equal(await admin.subscriptionExists("news", "sport"), false);
});

test("long lists come in pages", async () => {
  for (let i = 0; i < 7; i++) await admin.createQueue(`page-${i}`);
  const pages = [];
  for await (const page of admin.listQueues().byPage({ maxPageSize: 3 })) pages.push(page.length);
  assert.equal(pages.reduce((sum, n) => sum + n), 8);
  assert.ok(pages.length >= 3);
  for (let i = 0; i < 7; i++) await admin.deleteQueue(`page-${i}`);
});

test("the namespace is described, and a wrong key refused", async () => {
  assert.equal((await admin.getNamespaceProperties()).messagingSku, "Standard");
  const forged = new ServiceBusAdministrationClient(broker.administrationConnectionString.replace(/SharedAccessKey=[^;]*/, "SharedAccessKey=wrong"), {
    tlsOptions: { ca: broker.certificate() },
  });
  await assert.rejects(forged.getQueue("configured"), { code: "UnauthorizedRequestError" });
});
