// The official Service Bus SDK for JavaScript over WebSockets, which it speaks to a TLS port only.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServiceBusClient } from "@azure/service-bus";
import WebSocket from "ws";
import { startBroker } from "./support/broker.mjs";

let broker;
let client;

before(async () => {
  broker = await startBroker([{ Name: "sockets" }, { Name: "sessions", RequiresSession: true }]);
  client = new ServiceBusClient(broker.administrationConnectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 20_000 },
    webSocketOptions: { webSocket: WebSocket, webSocketConstructorOptions: { ca: broker.certificate() } },
  });
});
after(async () => {
  await client?.close();
  await broker?.stop();
});

test("messages of every size go both ways and are settled", async () => {
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 200_000];
  const sender = client.createSender("sockets");
  for (const size of sizes) await sender.sendMessages({ body: "x".repeat(size), applicationProperties: { size } });
  const receiver = client.createReceiver("sockets");
  const received = [];
  while (received.length < sizes.length) {
    const messages = await receiver.receiveMessages(sizes.length, { maxWaitTimeInMs: 10_000 });
    assert.notEqual(messages.length, 0);
    for (const message of messages) {
      received.push(message.applicationProperties.size);
      assert.equal(message.body.length, message.applicationProperties.size);
      await receiver.completeMessage(message);
    }
  }
  assert.deepEqual(received, sizes);
  assert.deepEqual(await receiver.peekMessages(1), []);
});

test("requests and sessions work as over TCP", async () => {
  const sender = client.createSender("sessions");
  const scheduled = await sender.scheduleMessages([{ body: "late", sessionId: "s" }], new Date(Date.now() + 3_600_000));
  await sender.cancelScheduledMessages(scheduled);
  await sender.sendMessages({ body: "now", sessionId: "s" });
  const session = await client.acceptSession("sessions", "s");
  await session.setSessionState("half-way");
  assert.equal(await session.getSessionState(), "half-way");
  const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: 10_000 });
  assert.equal(message.body, "now");
  await session.renewSessionLock();
  await session.completeMessage(message);
  await session.close();
});
