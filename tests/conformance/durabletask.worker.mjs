// A worker of the official SDK that takes one kind of activity and never ends it; the integration tests kill it.
import { NoOpLogger, TaskHubGrpcWorker } from "@microsoft/durabletask-js";

const worker = new TaskHubGrpcWorker({ hostAddress: process.env.TASKHUB_ADDRESS, logger: new NoOpLogger(), workItemFilters: "auto" });
worker.addNamedActivity("Slow", () => new Promise(() => setInterval(() => {}, 1_000)));
await worker.start();
