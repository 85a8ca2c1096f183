// Vercel's AI SDK with its provider for servers that speak OpenAI's API
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { RIGHT, row } from './node_rows.mjs';

const VERCEL = "Vercel's AI SDK";
globalThis.AI_SDK_LOG_WARNINGS = false;
const Trip = z.object({
  name: z.string(),
  stops: z.array(z.object({ city: z.string(), unit: z.enum(['celsius', 'kelvin']) })),
});

function model(asked, supportsStructuredOutputs) {
  const provider = createOpenAICompatible({
    name: 'tgi', baseURL: asked.v1, apiKey: asked.key, supportsStructuredOutputs, includeUsage: true,
  });
  return provider(asked.model);
}

const fields = { temperature: 0, maxOutputTokens: 400, maxRetries: 0 };
const weather = tool({
  description: 'Weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async () => 'nonce-33',
});

row('schema', VERCEL, async (asked) => {
  const { object } = await generateObject({
    ...fields, model: model(asked, true), schema: Trip, prompt: 'A trip to Paris.',
  });
  return Trip.safeParse(object).success ? RIGHT : `${JSON.stringify(object)}`;
});

// Without structured outputs the SDK asks for JSON mode, and writes the schema into the prompt.
// Whether the model obeys is the model's affair: any JSON object is right here.
row('json mode', VERCEL, async (asked) => {
  const { object } = await generateObject({
    ...fields, model: model(asked, false), schema: z.object({}).loose(), prompt: 'A trip, as JSON.',
  });
  return typeof object === 'object' ? RIGHT : `${JSON.stringify(object)}`;
});

row('a loop of tools', VERCEL, async (asked) => {
  const { text, steps } = await generateText({
    ...fields, model: model(asked, true), tools: { weather }, stopWhen: stepCountIs(2),
    prompt: 'What is the weather in Paris?',
  });
  return steps.length === 2 && text.includes('nonce-33') ? RIGHT : `${steps.length} step: ${text}`;
});

row('finish_reason of a call, streamed', VERCEL, async (asked) => {
  const errors = [];
  const stream = streamText({
    ...fields, model: model(asked, true), tools: { weather }, toolChoice: 'required',
    prompt: 'What is the weather in Paris?', onError: ({ error }) => errors.push(error),
  });
  await stream.consumeStream();
  if (errors.length) throw errors[0];
  const [calls, reason] = [await stream.toolCalls, await stream.finishReason];
  if (calls[0]?.input?.city !== 'Paris') return `call ${JSON.stringify(calls[0]?.input)}`;
  return reason === 'tool-calls' ? RIGHT : `${reason}`;
});

row('finish_reason at a stop', VERCEL, async (asked) => {
  const { finishReason } = await generateText({
    ...fields, model: model(asked, true), stopSequences: [' four'],
    prompt: 'Say exactly: one two three four five',
  });
  return finishReason === 'stop' ? RIGHT : `${finishReason}`;
});
