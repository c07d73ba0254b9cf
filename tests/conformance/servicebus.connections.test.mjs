// Connections and links of the official Service Bus SDK for JavaScript: access tokens over TLS, and links that the broker detaches
// because nothing happened on them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

const script = join(dirname(fileURLToPath(import.meta.url)), "support", "entra.mjs");
const signingKey = "a-key-of-at-least-thirty-two-bytes-for-tests";
const queue = "connections";
let broker;

before(async () => {
  broker = await startBroker([{ Name: queue }], undefined, { LinkIdleTimeoutSeconds: "1", Jwt__SigningKey: signingKey });
});
after(async () => {
  await broker?.stop();
});

function token(key) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const content = `${part({ alg: "HS256", typ: "JWT" })}.${part({ aud: "https://servicebus.azure.net", nbf: now - 60, exp: now + 600 })}`;
  return `${content}.${createHmac("sha256", key).update(content).digest("base64url")}`;
}

async function overTls(accessToken, environment) {
  const child = spawn("node", [script, `https://localhost:${broker.amqpsPort}`, queue, accessToken], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  await new Promise((resolve) => child.once("close", resolve));
  return output.trim();
}

test("an access token works over TLS, and a forged one is refused", async () => {
  const trusting = { NODE_EXTRA_CA_CERTS: broker.certificateFile };
  assert.equal(await overTls(token(signingKey), trusting), "over TLS");
  assert.equal(await overTls(token("another-key-of-more-than-thirty-two-bytes"), trusting), "UnauthorizedAccess");
});

test("a broker whose certificate is not trusted is not talked to", async () => {
  assert.notEqual(await overTls(token(signingKey), { NODE_EXTRA_CA_CERTS: "" }), "over TLS");
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
