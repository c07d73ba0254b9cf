// Writes src/generated from the API's document: the types, and which request each operation is.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const BLOB = ts.factory.createTypeReferenceNode("Blob");
const document = JSON.parse(readFileSync(new URL("../../openapi/v1.json", import.meta.url), "utf8"));
const folder = new URL("./src/generated/", import.meta.url);
mkdirSync(folder, { recursive: true });
// A type of its own for each schema; bytes are a Blob.
const types = await openapiTS(document, {
  rootTypes: true,
  rootTypesNoSchemaPrefix: true,
  transform: (schema) => (schema.format === "binary" ? BLOB : undefined),
});
writeFileSync(new URL("types.ts", folder), astToString(types));

const table = [];
for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const rest = (operation.parameters ?? []).filter((parameter) => parameter["x-multi-segment"]).map((parameter) => parameter.name);
    const repeatable = (operation.parameters ?? []).some((parameter) => parameter.name === "Idempotency-Key");
    table.push(`  ${operation.operationId}: ${JSON.stringify([method.toUpperCase(), path, { ...(rest.length > 0 && { rest }), ...(repeatable && { repeatable }) }])},`);
  }
}
writeFileSync(
  new URL("operations.ts", folder),
  `import type { operations } from "./types.js";\n\nexport type OperationInfo = readonly [method: string, path: string, details: { readonly rest?: readonly string[]; readonly repeatable?: boolean }];\n\nexport const table: { readonly [Id in keyof operations]: OperationInfo } = {\n${table.join("\n")}\n};\n`,
);
