// Sends and receives over TLS with an access token, as an application on Azure does. A process of its own, because Node.js takes
// the certificates that it trusts from the environment. Usage: node entra.mjs ENDPOINT QUEUE TOKEN
import { ServiceBusClient } from "@azure/service-bus";

const [endpoint, queue, token] = process.argv.slice(2);
const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 }) };
const client = new ServiceBusClient("localhost", credential, { customEndpointAddress: endpoint, retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } });
try {
  await client.createSender(queue).sendMessages({ body: "over TLS" });
  const receiver = client.createReceiver(queue);
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 });
  await receiver.completeMessage(message);
  console.log(message.body);
} catch (error) {
  console.log(error.code ?? error.message);
} finally {
  await client.close();
}
