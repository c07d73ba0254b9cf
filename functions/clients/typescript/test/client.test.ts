import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { ApiError, Client, Login, type Item, type Job } from "../src/index.js";

interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

type Scripted = [status: number, body: unknown, headers?: Record<string, string>];

const closing: (() => void)[] = [];
after(() => closing.forEach((close) => close()));

// A server of scripted answers; a status of 0 breaks the connection.
async function serve(...answers: Scripted[]): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      received.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      const [status, content, headers] = answers.shift() ?? [599, {}];
      if (status === 0) return void request.socket.destroy();
      response.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json", ...headers });
      response.end(typeof content === "string" ? content : JSON.stringify(content));
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closing.push(() => (server.closeAllConnections(), server.close()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const project = { id: "1", name: "vision", ownerId: "2", createdAt: "2026-03-01T12:00:00Z", updatedAt: "2026-03-01T12:00:00Z" };
const problem = { code: "not_found", title: "Not found", status: 404, detail: "No such project." };

test("a call sends its token, path, query and body", async () => {
  const { url, received } = await serve([201, project], [200, { items: [] }], [200, "x", { "Content-Type": "application/octet-stream" }]);
  const client = new Client({ url: `${url}/`, token: "secret", language: "zh-CN" });
  assert.equal((await client.call("createProject", { body: { name: "vision" } })).name, "vision");
  await client.call("listRuns", { path: { project: "a b/c" }, query: { pageSize: 5, pageToken: "x&y" } });
  const file = await client.call("readDatasetFile", { path: { project: "p", dataset: "d", version: 1, path: "a/b c.txt" } });
  assert.equal(await file.text(), "x");
  const [create, list, read] = received;
  assert.deepEqual([create!.method, create!.url, create!.body, create!.headers.authorization, create!.headers["accept-language"]], ["POST", "/v1/projects", '{"name":"vision"}', "Bearer secret", "zh-CN"]);
  assert.equal(list!.url, "/v1/projects/a%20b%2Fc/runs?pageSize=5&pageToken=x%26y");
  assert.equal(read!.url, "/v1/projects/p/datasets/d/versions/1/files/a/b%20c.txt");
});

test("a problem is an error with its code", async () => {
  const { url } = await serve([404, problem], [403, "<html>", { "Content-Type": "text/html" }]);
  const client = new Client({ url });
  await assert.rejects(client.call("getProject", { path: { project: "x" } }), (error: unknown) => error instanceof ApiError && error.status === 404 && error.code === "not_found" && error.problem.detail === "No such project.");
  await assert.rejects(client.call("getProject", { path: { project: "x" } }), (error: unknown) => error instanceof ApiError && error.status === 403 && error.code === undefined);
});

test("what may be repeated is repeated with the same key, and what may happen twice is not", async () => {
  const { url, received } = await serve([503, problem], [0, {}], [201, project], [0, {}], [200, {}]);
  const client = new Client({ url });
  await client.call("createProject", { body: { name: "vision" } });
  assert.equal(new Set(received.map((request) => request.headers["idempotency-key"])).size, 1);
  assert.equal(received.length, 3);
  await assert.rejects(client.call("endAttempt", { path: { job: "1", attempt: 1 }, body: { status: "failed" } }));
  assert.equal(received.length, 4);
});

test("a list asks for pages as it is read, and a search puts the token into its body", async () => {
  const { url, received } = await serve([200, { items: [project], nextPageToken: "n" }], [200, { items: [{ ...project, name: "two" }] }], [200, { items: [], nextPageToken: "n" }], [200, { items: [] }]);
  const client = new Client({ url });
  const names: string[] = [];
  const projects = client.list("listProjects", { query: { pageSize: 1 } });
  names.push((await projects.next()).value!.name);
  assert.equal(received.length, 1);
  for await (const found of projects) names.push(found.name);
  assert.deepEqual(names, ["vision", "two"]);
  assert.equal(received[1]!.url, "/v1/projects?pageSize=1&pageToken=n");
  for await (const run of client.list("searchRuns", { path: { project: "p" }, body: { filter: "metrics.loss < 1" } })) assert.fail(run.id);
  assert.deepEqual(received.slice(2).map((request) => JSON.parse(request.body) as unknown), [{ filter: "metrics.loss < 1" }, { filter: "metrics.loss < 1", pageToken: "n" }]);
});

test("a login is kept fresh, once for calls that come together", async () => {
  const token = { accessToken: "a", expiresIn: 3600, refreshToken: "r" };
  const { url, received } = await serve([200, token], [401, problem], [200, { ...token, accessToken: "b" }], [200, project], [200, project]);
  const client = new Client({ url, token: new Login(url, "ada", "secret") });
  await client.call("getProject", { path: { project: "x" } });
  await client.call("getProject", { path: { project: "y" } });
  assert.deepEqual(received.map((request) => request.url), ["/v1/auth/login", "/v1/projects/x", "/v1/auth/refresh", "/v1/projects/x", "/v1/projects/y"]);
  assert.equal(received[4]!.headers.authorization, "Bearer b");
});

test("a token does not follow a redirect", async () => {
  const other = await serve([200, project]);
  const { url } = await serve([302, {}, { Location: other.url }]);
  await assert.rejects(new Client({ url, token: "t" }).call("getProject", { path: { project: "x" } }));
  assert.equal(other.received.length, 0);
});

test("events are read as they come", async () => {
  const { url, received } = await serve([200, ': hello\n\nid: 7\nevent: jobChanged\ndata: {"a":\ndata: 1}\n\ndata: 2\n\n', { "Content-Type": "text/event-stream" }]);
  const events = [];
  for await (const event of new Client({ url }).events(["job:1", "job:2"], { lastEventId: "6" })) events.push(event);
  assert.deepEqual(events, [
    { id: "7", type: "jobChanged", data: { a: 1 } },
    { id: "7", type: "message", data: 2 },
  ]);
  assert.deepEqual([received[0]!.url, received[0]!.headers["last-event-id"]], ["/v1/events?topics=job%3A1%2Cjob%3A2", "6"]);
});

test("numbers that are none of arithmetic travel as texts", async () => {
  const { url, received } = await serve([200, { stored: 1, nextSequence: 1 }]);
  await new Client({ url }).call("logMetrics", {
    path: { run: "1" },
    body: { attempt: 1, source: "main", firstSequence: 0, points: [{ key: "loss", step: 1, value: Number.NaN, timestamp: "2026-03-01T12:00:00Z" }] },
  });
  assert.match(received[0]!.body, /"value":"NaN"/);
});

test("only http is spoken", () => {
  for (const url of ["ftp://x", "file:///etc/passwd", "localhost:8080"]) assert.throws(() => new Client({ url }));
});

// What the compiler refuses is a test too: an error that is expected and does not come stops the build.
export async function types(client: Client): Promise<void> {
  // @ts-expect-error: no operation has this name.
  await client.call("startJob");
  // @ts-expect-error: the project is missing.
  await client.call("submitJob", { body: { recipe: "image-classifier" } });
  // @ts-expect-error: a timeout is a number.
  await client.call("submitJob", { path: { project: "p" }, body: { timeoutSeconds: "1" } });
  // @ts-expect-error: a job is no list.
  client.list("getJob", { path: { job: "1" } });
  const job: Job = await client.call("getJob", { path: { job: "1" } });
  const item: Item<"listJobs"> = job;
  assert.ok(item.status satisfies "pending" | "waiting" | "queued" | "running" | "retrying" | "cancelling" | "succeeded" | "failed" | "cancelled");
}
