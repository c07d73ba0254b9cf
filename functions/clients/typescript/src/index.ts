export { Client, type ClientOptions, type Event } from "./client.js";
export { ApiError, type Problem } from "./errors.js";
export type { Answer, Item, ListId, OperationId, Request } from "./operation.js";
export { fixedToken, Login, type Tokens } from "./tokens.js";
export { uploadArtifact, uploadDatasetVersion, type LocalFile, type VersionDetails } from "./uploads.js";
export type * from "./generated/types.js";
