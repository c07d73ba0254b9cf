// The official administration client for JavaScript against a platform that runs: what it needs is in endpoints.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ServiceBusAdministrationClient } from "@azure/service-bus";

const endpoints = JSON.parse(readFileSync(process.env.ENDPOINTS, "utf8"));

test("queues of the running platform are listed, made and deleted", async () => {
  const admin = new ServiceBusAdministrationClient(endpoints.serviceBusAdministration, { tlsOptions: { ca: readFileSync(endpoints.serviceBusCertificate) } });
  const names = [];
  for await (const queue of admin.listQueues()) names.push(queue.name);
  assert.ok(names.includes("tasks-default-normal"), names.join(", "));
  await admin.createQueue("own", { maxDeliveryCount: 3 });
  assert.equal((await admin.getQueue("own")).maxDeliveryCount, 3);
  await admin.deleteQueue("own");
  assert.equal(await admin.queueExists("own"), false);
});
