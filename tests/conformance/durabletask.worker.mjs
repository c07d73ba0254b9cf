// A worker of the official SDK for two activities, one of which never ends; the integration tests kill it.
import grpc from "@grpc/grpc-js";
import { NoOpLogger, TaskHubGrpcWorker } from "@microsoft/durabletask-js";

const metadataGenerator = async () => {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${process.env.TASKHUB_KEY}`);
  return metadata;
};
const worker = new TaskHubGrpcWorker({ hostAddress: process.env.TASKHUB_ADDRESS, metadataGenerator, logger: new NoOpLogger(), workItemFilters: "auto" });
// Microsoft's .NET worker sends the input of an activity as an array of one.
worker.addNamedActivity("PlusOne", async (_, value) => (Array.isArray(value) ? value[0] : value) + 1);
worker.addNamedActivity("Slow", () => new Promise(() => setInterval(() => {}, 1_000)));
await worker.start();
