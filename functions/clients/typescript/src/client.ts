import { ApiError } from "./errors.js";
import { table } from "./generated/operations.js";
import type { Answer, Arguments, Item, ListId, OperationId } from "./operation.js";
import { fixedToken, type Tokens } from "./tokens.js";

/** How a client talks to the platform. */
export interface ClientOptions {
  /** Where the platform is, such as `http://127.0.0.1:8080`. */
  url: string;
  /** An access token, such as a personal one, or where tokens come from. */
  token?: string | Tokens;
  /** How often a request that may be repeated is sent in all; 4 when absent. */
  attempts?: number;
  /** The language of texts, `en` or `zh-CN`. */
  language?: string;
  /** What sends requests; `fetch` when absent. */
  fetch?: typeof fetch;
}

/** A live event. */
export interface Event {
  /** Pass it as `lastEventId` to go on after this event. */
  id: string | undefined;
  /** What happened. */
  type: string;
  /** The event's content. */
  data: unknown;
}

interface Parts {
  path?: Record<string, string | number>;
  query?: Record<string, unknown>;
  body?: unknown;
  ifMatch?: string | number;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

const repeated = new Set([408, 429, 500, 502, 503, 504]);
const safe = new Set(["GET", "PUT", "DELETE"]);
const longestPause = 10_000;

/** Talks to one platform: every operation of the API by its name, with types for what it takes and gives. */
export class Client {
  readonly #url: string;
  readonly #tokens: Tokens;
  readonly #attempts: number;
  readonly #language: string | undefined;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    const url = new URL(options.url);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`Not an http or https URL: ${options.url}`);
    this.#url = options.url.replace(/\/+$/, "");
    this.#tokens = typeof options.token === "object" ? options.token : fixedToken(options.token);
    this.#attempts = Math.max(1, options.attempts ?? 4);
    this.#language = options.language;
    this.#fetch = options.fetch ?? fetch;
  }

  /** Calls an operation. */
  async call<Id extends OperationId>(id: Id, ...[request]: Arguments<Id>): Promise<Answer<Id>> {
    const response = await this.#send(id, (request ?? {}) as Parts);
    const type = response.headers.get("Content-Type") ?? "";
    if (response.status === 204 || response.headers.get("Content-Length") === "0") return undefined as Answer<Id>;
    return (type.startsWith("application/json") && !isBytes(id) ? await response.json() : response) as Answer<Id>;
  }

  /** All items of a list; pages are asked for as they are needed. */
  async *list<Id extends ListId>(id: Id, ...[request]: Arguments<Id>): AsyncGenerator<Item<Id>, void, undefined> {
    const parts = { ...((request ?? {}) as Parts) };
    for (;;) {
      const page = (await this.call(id, ...([parts] as unknown as Arguments<Id>))) as { items: Item<Id>[]; nextPageToken?: string | null };
      yield* page.items;
      if (!page.nextPageToken) return;
      const next = { pageToken: page.nextPageToken };
      // A search has the token in its body.
      if (table[id][0] === "POST") parts.body = { ...(parts.body as object | undefined), ...next };
      else parts.query = { ...parts.query, ...next };
    }
  }

  /** Live events of topics such as `job:ID`, `run:ID` or `project:ID`, until the connection ends. */
  async *events(topics: readonly string[], options: { lastEventId?: string; signal?: AbortSignal } = {}): AsyncGenerator<Event, void, undefined> {
    const headers: Record<string, string> = options.lastEventId === undefined ? {} : { "Last-Event-ID": options.lastEventId };
    const response = await this.#send("streamEvents", { query: { topics: topics.join(",") }, ...(options.signal && { signal: options.signal }) }, headers);
    const event = { id: options.lastEventId, type: "message", data: [] as string[] };
    for await (const line of lines(response.body!)) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
      if (line === "") {
        if (event.data.length > 0) yield { id: event.id, type: event.type, data: JSON.parse(event.data.join("\n")) as unknown };
        event.type = "message";
        event.data = [];
      } else if (name === "id") event.id = value;
      else if (name === "event") event.type = value!;
      else if (name === "data") event.data.push(value!);
    }
  }

  async #send(id: OperationId, parts: Parts, more: Record<string, string> = {}): Promise<Response> {
    const [method, , details] = table[id];
    const headers = new Headers({ Accept: "application/json, */*", ...more });
    if (details.repeatable) headers.set("Idempotency-Key", parts.idempotencyKey ?? crypto.randomUUID());
    if (parts.ifMatch !== undefined) headers.set("If-Match", typeof parts.ifMatch === "number" ? `"${parts.ifMatch}"` : parts.ifMatch);
    if (this.#language) headers.set("Accept-Language", this.#language);
    const bytes = parts.body instanceof Blob;
    if (parts.body !== undefined) headers.set("Content-Type", bytes ? "application/octet-stream" : "application/json");
    const body = parts.body === undefined ? null : bytes ? (parts.body as Blob) : JSON.stringify(parts.body, numbers);
    const repeatable = safe.has(method) || details.repeatable === true;
    let rejected: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const token = await this.#tokens.get(rejected);
      if (token) headers.set("Authorization", `Bearer ${token}`);
      let response: Response;
      try {
        // A token goes to the platform only.
        response = await this.#fetch(this.#target(id, parts), { method, headers, body, redirect: "manual", ...(parts.signal && { signal: parts.signal }) });
      } catch (error) {
        if (parts.signal?.aborted || attempt >= this.#attempts || !repeatable) throw error;
        await pause(attempt, null, parts.signal);
        continue;
      }
      if (response.ok) return response;
      if (response.status === 401 && token && rejected === undefined) {
        rejected = token;
        attempt--;
        await response.body?.cancel();
        continue;
      }
      const wait = response.headers.get("Retry-After");
      if (attempt >= this.#attempts || !repeated.has(response.status) || !(repeatable || wait)) throw await ApiError.read(response);
      await response.body?.cancel();
      await pause(attempt, wait, parts.signal);
    }
  }

  #target(id: OperationId, parts: Parts): string {
    const [, template, { rest }] = table[id];
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = String(parts.path?.[name] ?? "");
      return rest?.includes(name) ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
    });
    const query = Object.entries(parts.query ?? {}).filter(([, value]) => value !== undefined && value !== null);
    const text = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(Array.isArray(value) ? value.join(",") : String(value))}`).join("&");
    return `${this.#url}${path.replace(/\/$/, "")}${text && `?${text}`}`;
  }
}

// Numbers that are none of arithmetic travel as texts.
function numbers(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

// A file of JSON is bytes all the same.
function isBytes(id: OperationId): boolean {
  return id === "readDatasetFile" || id === "readDatasetContent" || id === "downloadMedia";
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(piece, { stream: true });
    const found = text.split(/\r?\n/);
    text = found.pop()!;
    yield* found;
  }
}

function pause(attempt: number, retryAfter: string | null, signal?: AbortSignal): Promise<void> {
  const asked = Number(retryAfter ?? 0) * 1000 || 0;
  const time = Math.min(longestPause, Math.max(asked, Math.random() * 200 * 2 ** attempt));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, time);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason as Error)), { once: true });
  });
}
