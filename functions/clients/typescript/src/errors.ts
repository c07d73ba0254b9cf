/** The body of an error answer (RFC 9457). */
export interface Problem {
  code?: string | null;
  title?: string | null;
  status?: number | null;
  detail?: string | null;
  errors?: Record<string, string[]> | null;
}

/** The platform refused a request. `code` is stable and the same in every language; the texts are for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** The problem; empty when something else than the platform answered. */
    readonly problem: Problem,
    body: string,
  ) {
    super(`${status} ${problem.code ?? "error"}: ${problem.detail ?? problem.title ?? body.slice(0, 500)}`);
  }

  /** The stable code, such as `not_found`. */
  get code(): string | undefined {
    return this.problem.code ?? undefined;
  }

  /** Reads the error that an answer tells of. */
  static async read(response: Response): Promise<ApiError> {
    const body = await response.text();
    if (response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
      try {
        return new ApiError(response.status, JSON.parse(body) as Problem, body);
      } catch {
        // A proxy cut the document short: the status and the text still say what happened.
      }
    }
    return new ApiError(response.status, {}, body);
  }
}
