// The JavaScript of the orchestrations' README, as a reader would run it, with the official SDK.
// Needs TASKHUB_ADDRESS and TASKHUB_KEY of a running hub; the integration tests start one by the commands of the same README and set them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const readme = readFileSync(join(here, "../../orchestrations/README.md"), "utf8");
const snippets = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]);

function replaced(text, old, replacement) {
  assert.ok(text.includes(old), `${old} is not in the snippet`);
  return text.replace(old, replacement);
}

test("a client and a worker run an orchestration and end", async () => {
  assert.equal(snippets.length, 1);
  const addressed = replaced(snippets[0], "127.0.0.1:4001", process.env.TASKHUB_ADDRESS);
  // Beside the packages that it imports.
  const file = join(here, `.snippet-${process.pid}.mjs`);
  writeFileSync(file, replaced(addressed, "a-key-of-16-characters-or-more", process.env.TASKHUB_KEY));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 50_000 });
    assert.ok(stdout.split("\n").includes('"digits is admitted"'), stdout);
  } finally {
    rmSync(file);
  }
});
