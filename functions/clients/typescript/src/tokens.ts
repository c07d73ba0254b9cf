import { ApiError } from "./errors.js";

/** Where access tokens come from. */
export interface Tokens {
  /** A token that is valid now, and not the one that was rejected; undefined for anonymous calls. */
  get(rejected?: string): Promise<string | undefined>;
}

/** One token, as long as it lasts. */
export function fixedToken(token: string | undefined): Tokens {
  return { get: () => Promise.resolve(token) };
}

interface Answer {
  accessToken: string;
  expiresIn: number;
  refreshToken?: string | null;
}

/** Logs a person in and keeps the token fresh with the rotating refresh token. */
export class Login implements Tokens {
  #answer: Answer | undefined;
  #renewAt = 0;
  #renewing: Promise<string> | undefined;

  constructor(
    private readonly url: string,
    private readonly userName: string,
    private readonly password: string,
    private readonly send: typeof fetch = fetch,
  ) {}

  get(rejected?: string): Promise<string> {
    if (this.#answer !== undefined && this.#answer.accessToken !== rejected && Date.now() < this.#renewAt) {
      return Promise.resolve(this.#answer.accessToken);
    }
    // Calls that come at the same time wait for one renewal: a refresh token is good for one.
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renew(): Promise<string> {
    this.#answer = (await this.#refresh()) ?? (await this.#post("login", { userName: this.userName, password: this.password }));
    this.#renewAt = Date.now() + this.#answer.expiresIn * 800;
    return this.#answer.accessToken;
  }

  async #refresh(): Promise<Answer | undefined> {
    const refreshToken = this.#answer?.refreshToken;
    if (!refreshToken) return undefined;
    try {
      return await this.#post("refresh", { refreshToken });
    } catch (error) {
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) return undefined; // The login has ended: log in anew.
      throw error;
    }
  }

  async #post(path: string, body: object): Promise<Answer> {
    const response = await this.send(`${this.url}/v1/auth/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (!response.ok) throw await ApiError.read(response);
    return (await response.json()) as Answer;
  }
}
