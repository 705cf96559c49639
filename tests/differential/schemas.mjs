// Judges request bodies by the types of the providers' own libraries. Arguments: WIRE, the directory with node_modules. Standard
// input: one body per line. Prints every objection; exits 1 when there is one.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import readline from "node:readline";
import { createGenerator } from "ts-json-schema-generator";
import Ajv from "ajv";

const [wire, modules] = process.argv.slice(2);
const types = {
  "openai-chat": { file: "openai/resources/chat/completions/completions.d.ts", type: "ChatCompletionCreateParamsStreaming" },
  "openai-responses": { file: "openai/resources/responses/responses.d.ts", type: "ResponseCreateParamsStreaming" },
  "anthropic-messages": { file: "@anthropic-ai/sdk/resources/messages/messages.d.ts", type: "MessageCreateParamsStreaming" },
  "gemini-native": { file: "@google/genai/dist/genai.d.ts", parts: { contents: "Content", tools: "Tool", systemInstruction: "Content",
                                                                    generationConfig: "GenerateContentConfig" } },
};
const { file, type, parts } = types[wire];

// Making a schema of a library takes seconds, so it is kept beside the library.
function compile(name) {
  const kept = join(modules, `schema-${wire}-${name}.json`);
  if (!existsSync(kept)) {
    const made = createGenerator({ path: join(modules, "node_modules", file), type: name, skipTypeCheck: true, expose: "all",
                                   additionalProperties: false }).createSchema(name);
    writeFileSync(kept, JSON.stringify(made));
  }
  return new Ajv({ strict: false, allErrors: false }).compile(JSON.parse(readFileSync(kept, "utf8")));
}

const whole = type && compile(type);
const pieces = Object.entries(parts ?? {}).map(([key, name]) => [key, compile(name)]);
let count = 0, bad = 0;
const object = (what, validate, body) => {
  if (bad++ < 5) console.log(`${wire}: ${what}: ${JSON.stringify(validate.errors.slice(0, 3))}\n  ${body.slice(0, 600)}`);
};
for await (const line of readline.createInterface({ input: process.stdin })) {
  const body = JSON.parse(line);
  ++count;
  if (whole && !whole(body)) object("body", whole, line);
  for (const key of parts ? Object.keys(body) : []) {
    if (!parts[key]) object(`unknown member ${key}`, { errors: [] }, line);
  }
  for (const [key, validate] of pieces) {
    for (const value of [body[key] ?? []].flat()) if (!validate(value)) object(key, validate, JSON.stringify(value));
  }
}
console.log(`${wire}: ${count} bodies, ${bad} objections`);
process.exit(bad || !count ? 1 : 0);
