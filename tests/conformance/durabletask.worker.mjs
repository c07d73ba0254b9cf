// A worker of the official SDK for two activities, one of which never ends; the integration tests kill it.
import grpc from "@grpc/grpc-js";
import { NoOpLogger, TaskHubGrpcWorker } from "@microsoft/durabletask-js";

const metadataGenerator = async () => {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${process.env.TASKHUB_KEY}`);
  return metadata;
};
const worker = new TaskHubGrpcWorker({ hostAddress: process.env.TASKHUB_ADDRESS, metadataGenerator, logger: new NoOpLogger(), workItemFilters: "auto" });
worker.addNamedActivity("PlusOne", async (_, value) => value + 1);
worker.addNamedActivity("Slow", () => new Promise(() => setInterval(() => {}, 1_000)));
await worker.start();
