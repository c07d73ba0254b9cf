// The snippets of the broker's README, as a reader would run them: its configuration file, and its JavaScript with the official SDK.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ServiceBusAdministrationClient, ServiceBusClient } from "@azure/service-bus";
import { startBroker } from "./support/broker.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const readme = readFileSync(join(here, "../../infra/AiPlatform.ServiceBusEmulator/README.md"), "utf8");
const blocks = (language) => [...readme.matchAll(new RegExp("^```" + language + "\\n(.*?)^```$", "gms"))].map((match) => match[1]);
let broker;

before(async () => {
  const { Name, ...config } = JSON.parse(blocks("json")[0]).UserConfig.Namespaces[0];
  assert.equal(Name, "local");
  broker = await startBroker([], config);
});
after(async () => {
  await broker?.stop();
});

// Beside the packages that a snippet imports, in the folder where the broker's certificate lies.
async function run(snippet) {
  const file = join(here, `.snippet-${process.pid}.mjs`);
  const ports = snippet.replace(":5672", `:${broker.amqpPort}`).replace(":5301", `:${broker.httpsPort}`);
  writeFileSync(file, `const connectionString = ${JSON.stringify(broker.connectionString)};\n${ports}`);
  process.chdir(broker.directory);
  try {
    await import(`${pathToFileURL(file)}?${Math.random()}`);
  } finally {
    rmSync(file);
  }
}

test("a client sends to a queue of the configuration file", async () => {
  await run(blocks("js")[0]);
  const client = new ServiceBusClient(broker.connectionString);
  const [message] = await client.createReceiver("orders", { receiveMode: "receiveAndDelete" }).receiveMessages(1, { maxWaitTimeInMs: 10_000 });
  assert.deepEqual(message.body, { order: 1 });
  await client.close();
});

test("an administration client creates a queue over TLS", async () => {
  await run(blocks("js")[1]);
  const admin = new ServiceBusAdministrationClient(broker.administrationConnectionString, { tlsOptions: { ca: broker.certificate() } });
  assert.equal((await admin.getQueue("invoices")).requiresSession, true);
});
