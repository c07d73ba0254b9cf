// Links of the official Service Bus SDK for JavaScript that the broker detaches because nothing happened on them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

const queue = "connections";
let broker;

before(async () => {
  broker = await startBroker([{ Name: queue }], undefined, { LinkIdleTimeoutSeconds: "1" });
});
after(async () => {
  await broker?.stop();
});

test("links that were idle and detached are opened again by the next use", async () => {
  const client = new ServiceBusClient(broker.connectionString);
  const sender = client.createSender(queue);
  const receiver = client.createReceiver(queue);
  const bodies = [];
  const waiters = [];
  receiver.subscribe({
    processMessage: async (message) => {
      bodies.push(message.body);
      waiters.forEach((wake) => wake());
    },
    processError: async () => {},
  });
  const arrival = async (count) => {
    const deadline = Date.now() + 30_000;
    while (bodies.length < count) {
      assert.ok(Date.now() < deadline, `only ${bodies} came`);
      await Promise.race([new Promise((resolve) => waiters.push(resolve)), new Promise((resolve) => setTimeout(resolve, 500))]);
    }
  };
  await sender.sendMessages({ body: 1 });
  await arrival(1);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await sender.sendMessages({ body: 2 });
  await arrival(2);
  assert.deepEqual(bodies, [1, 2]);
  await client.close();
});
