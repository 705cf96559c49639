// What the providers' own libraries make of streams. Standard input: lines of {"wire", "name", "base64"}; standard output: the same
// lines with {"text", "calls", "stop", "input", "cached", "output"} or {"error"}. Nothing leaves the machine: fetch is ours.
import readline from "node:readline";
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";

const answer = (bytes) => async () => new Response(bytes, { status: 200, headers: { "content-type": "text/event-stream" } });
const call = (name, args) => ({ name, args: typeof args === "string" ? args : JSON.stringify(args) });
const messages = [{ role: "user", content: "hi" }];

const readers = {
  async "openai-chat"(bytes) {
    const client = new OpenAI({ apiKey: "k", fetch: answer(bytes), maxRetries: 0 });
    const whole = await client.chat.completions.stream({ model: "m", messages, stream: true }).finalChatCompletion();
    const { message, finish_reason } = whole.choices[0];
    const calls = (message.tool_calls ?? []).map((c) => call(c.function.name, c.function.arguments));
    const stop = { stop: "end", tool_calls: "calls", length: "length", content_filter: "filtered" }[finish_reason];
    return { text: message.content ?? "", calls, stop, input: whole.usage?.prompt_tokens, output: whole.usage?.completion_tokens,
             cached: whole.usage?.prompt_tokens_details?.cached_tokens ?? 0 };
  },
  async "openai-responses"(bytes) {
    const client = new OpenAI({ apiKey: "k", fetch: answer(bytes), maxRetries: 0 });
    const whole = await client.responses.stream({ model: "m", input: "hi" }).finalResponse();
    const calls = whole.output.filter((item) => item.type === "function_call").map((item) => call(item.name, item.arguments));
    if (whole.status !== "completed" && whole.status !== "incomplete") throw new Error(whole.status);
    const stop = whole.status === "incomplete" ? "length" : calls.length ? "calls" : "end";
    const text = whole.output.filter((item) => item.type === "message").flatMap((item) => item.content.map((part) => part.text ?? "")).join("");
    return { text, calls, stop, input: whole.usage?.input_tokens, output: whole.usage?.output_tokens,
             cached: whole.usage?.input_tokens_details?.cached_tokens ?? 0 };
  },
  async "anthropic-messages"(bytes) {
    const client = new Anthropic({ apiKey: "k", fetch: answer(bytes), maxRetries: 0 });
    const whole = await client.messages.stream({ model: "m", max_tokens: 100, messages }).finalMessage();
    const calls = whole.content.filter((b) => b.type === "tool_use").map((b) => call(b.name, b.input));
    const stop = { end_turn: "end", tool_use: "calls", max_tokens: "length", refusal: "filtered" }[whole.stop_reason];
    const text = whole.content.filter((b) => b.type === "text").map((b) => b.text).join("");
    const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = whole.usage;
    return { text, calls, stop, input: input_tokens + (cache_read_input_tokens ?? 0) + (cache_creation_input_tokens ?? 0),
             output: output_tokens, cached: cache_read_input_tokens ?? 0 };
  },
  async "gemini-native"(bytes) {
    globalThis.fetch = answer(bytes);
    const client = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: "http://127.0.0.1:9" } });
    let text = "", finish, usage;
    const calls = [];
    for await (const chunk of await client.models.generateContentStream({ model: "m", contents: "hi" })) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) {
        if (part.text && !part.thought) text += part.text;
        if (part.functionCall) calls.push(call(part.functionCall.name, part.functionCall.args ?? {}));
      }
      finish = chunk.candidates?.[0]?.finishReason ?? finish;
      usage = chunk.usageMetadata ?? usage;
    }
    if (!finish) throw new Error("no finishReason");  // the library itself does not mind
    const stop = { STOP: calls.length ? "calls" : "end", MAX_TOKENS: "length" }[finish];
    return { text, calls, stop, input: usage?.promptTokenCount, cached: usage?.cachedContentTokenCount ?? 0,
             output: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0) };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { wire, name, base64 } = JSON.parse(line);
  let found;
  try {
    found = await readers[wire](Buffer.from(base64, "base64"));
  } catch (error) {
    found = { error: String(error.message ?? error).slice(0, 200) };
  }
  console.log(JSON.stringify({ wire, name, ...found }));
}
