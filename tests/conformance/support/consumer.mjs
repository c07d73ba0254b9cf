// One competing consumer, in a process of its own to be killed: settles each message in a random way and says what it does,
// one JSON object a line, before and after. Usage: node consumer.mjs CONNECTION_STRING QUEUE SEED LOCK_MILLISECONDS
import { writeSync } from "node:fs";
import { ServiceBusClient } from "@azure/service-bus";

const [connectionString, queue, seed, lockMilliseconds] = process.argv.slice(2);
let state = Number(seed) >>> 0;

// A small generator with a seed, so that a run can be repeated.
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

// Written at once: what was said before a kill is with the parent.
const say = (event, message, more = {}) => writeSync(1, `${JSON.stringify({ event, id: message.messageId, at: Date.now(), ...more })}\n`);

// One settlement at a time: rhea 3.0, under the SDK, sends outcomes that are set in the same moment as one range with the first
// one's outcome, so that an abandoned message beside a completed one would be completed, or the other way round.
let last = Promise.resolve();
function settle(act) {
  const next = last.then(act);
  last = next.catch(() => {});
  return next;
}

async function handle(receiver, message) {
  say("received", message, { deliveredAt: message.lockedUntilUtc.getTime() - Number(lockMilliseconds) });
  const choice = random();
  if (choice < 0.1) return settle(() => receiver.abandonMessage(message));
  if (choice < 0.13) return settle(() => receiver.deadLetterMessage(message, { deadLetterReason: "unwanted" }));
  if (choice < 0.16) await new Promise((resolve) => setTimeout(resolve, Number(lockMilliseconds) + 300));
  await settle(async () => {
    say("completing", message);
    await receiver.completeMessage(message);
    say("completed", message);
  });
}

const client = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 5, retryDelayInMs: 100, maxRetryDelayInMs: 1000, timeoutInMs: 10_000 } });
const receiver = client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 });
receiver.subscribe(
  {
    processMessage: (message) => handle(receiver, message).catch((error) => say("failed", message, { code: error.code })),
    processError: async ({ error }) => console.error(error.code ?? error.message),
  },
  { autoCompleteMessages: false, maxConcurrentCalls: 8 },
);
