import type { Client } from "./client.js";
import type { Artifact, DatasetVersion } from "./generated/types.js";

/** A file to upload: its path in the dataset, and its bytes. */
export interface LocalFile {
  path: string;
  content: Blob;
}

/** What a version is. */
export interface VersionDetails {
  description?: string;
  tags?: Record<string, string>;
  /** A version whose other files the new one keeps. */
  parent?: number;
}

const block = 8 * 1024 * 1024;

/** Uploads files as a new version of a dataset and commits it. Content that the project has already is not sent again. */
export async function uploadDatasetVersion(client: Client, project: string, dataset: string, files: readonly LocalFile[], details: VersionDetails = {}): Promise<DatasetVersion> {
  const manifest = await Promise.all(files.map(async ({ path, content }) => ({ path, size: content.size, sha256: await sha256(content) })));
  const draft = await client.call("createDatasetVersion", { path: { project, dataset }, body: { files: manifest, ...details } });
  const contents = new Map(files.map(({ path, content }) => [path, content]));
  for (const upload of draft.uploads) await put(upload.url, upload.headers, contents.get(upload.path)!);
  for (;;) {
    const version = await client.call("commitDatasetVersion", { path: { project, dataset, version: draft.version.version } });
    if (version.status === "ready") return version;
    await new Promise((resolve) => setTimeout(resolve, 200)); // There is more to verify.
  }
}

/** Uploads a file as an artifact of a run. */
export async function uploadArtifact(client: Client, run: string, path: string, content: Blob, details: { kind?: Artifact["kind"]; step?: number; metrics?: Record<string, number> } = {}): Promise<Artifact> {
  const file = { path, size: content.size, sha256: await sha256(content) };
  const upload = await client.call("createArtifactUpload", { path: { run }, body: file });
  await put(upload.url, upload.headers, content);
  return client.call("commitArtifact", { path: { run }, body: { ...file, ...details } as never });
}

async function sha256(content: Blob): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await content.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// No token goes to the storage: the URL says enough.
async function put(url: string, headers: Record<string, string>, content: Blob): Promise<void> {
  if (content.size <= block) return send(url, headers, content);
  const ids: string[] = [];
  for (let start = 0; start < content.size; start += block) {
    ids.push(btoa(String(ids.length).padStart(8, "0")));
    await send(`${url}&comp=block&blockid=${encodeURIComponent(ids.at(-1)!)}`, {}, content.slice(start, start + block));
  }
  const list = `<?xml version="1.0" encoding="utf-8"?><BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join("")}</BlockList>`;
  await send(`${url}&comp=blocklist`, {}, new Blob([list], { type: "application/xml" }));
}

async function send(url: string, headers: Record<string, string>, body: Blob): Promise<void> {
  const response = await fetch(url, { method: "PUT", headers, body });
  if (!response.ok) throw new Error(`The storage answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  await response.body?.cancel();
}
