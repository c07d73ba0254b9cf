import type { operations } from "./generated/types.js";

/** The name of an operation of the API, such as `submitJob`. */
export type OperationId = keyof operations;

type Parameters<Id extends OperationId> = operations[Id]["parameters"];
type Content<T> = T extends { content: infer Media } ? (Media extends { "application/json": infer Json } ? Json : Media extends Record<string, infer Other> ? Other : never) : never;
type Body<Id extends OperationId> = operations[Id] extends { requestBody?: infer Request } ? Content<NonNullable<Request>> : never;
type HasBody<Id extends OperationId> = operations[Id] extends { requestBody: { content: object } } ? true : false;
type Success<Responses> = { [Status in keyof Responses]: Status extends 200 | 201 | 202 ? Content<Responses[Status]> : never }[keyof Responses];
type None = Record<never, never>;

/** What an operation answers: JSON, or the `Response` itself where it is bytes. */
export type Answer<Id extends OperationId> = [Success<operations[Id]["responses"]>] extends [never]
  ? undefined
  : Blob extends Success<operations[Id]["responses"]>
    ? Response
    : Success<operations[Id]["responses"]>;

type PathPart<Id extends OperationId> = Parameters<Id> extends { path: infer Path } ? { path: Path } : None;
type QueryPart<Id extends OperationId> = Parameters<Id> extends { query: infer Query } ? { query: Query } : Parameters<Id> extends { query?: infer Query } ? { query?: NonNullable<Query> } : None;
type BodyPart<Id extends OperationId> = [Body<Id>] extends [never] ? None : HasBody<Id> extends true ? { body: Body<Id> } : { body?: NonNullable<Body<Id>> };

/** What an operation takes. */
export type Request<Id extends OperationId> = PathPart<Id> &
  QueryPart<Id> &
  BodyPart<Id> & {
    /** The ETag, or the version, that the resource must still have. */
    ifMatch?: string | number;
    /** A repeat with the same key gives the first answer again; one is made up when absent. */
    idempotencyKey?: string;
    /** Ends the call. */
    signal?: AbortSignal;
  };

/** Whether an operation can be called without saying anything. */
export type Arguments<Id extends OperationId> = None extends Request<Id> ? [request?: Request<Id>] : [request: Request<Id>];

/** Operations that answer pages of a list. */
export type ListId = { [Id in OperationId]: Answer<Id> extends { items: readonly unknown[]; nextPageToken?: string | null } ? Id : never }[OperationId];

/** What the lists of an operation are of. */
export type Item<Id extends ListId> = Answer<Id> extends { items: readonly (infer T)[] } ? T : never;
