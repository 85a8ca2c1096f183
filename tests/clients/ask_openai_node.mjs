// OpenAI's own SDK for Node
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { RIGHT, row } from './node_rows.mjs';

const NODE = 'openai for Node';
const Place = z.object({ city: z.string(), unit: z.enum(['celsius', 'kelvin']) });
const Trip = z.object({ name: z.string(), stops: z.array(Place) });
const fields = {
  temperature: 0, max_tokens: 400,
  messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
};
// What every row begins with
function chat({ v1, key, model }) {
  const client = new OpenAI({ baseURL: v1, apiKey: key, maxRetries: 0, timeout: 60_000 });
  return { completions: client.chat.completions, models: client.models, asking: { ...fields, model } };
}

const weather = zodFunction({ name: 'get_weather', parameters: Place });

row('schema', NODE, async (asked) => {
  const { completions, asking } = chat(asked);
  const done = await completions.parse({
    ...asking, response_format: zodResponseFormat(Trip, 'trip'),
  });
  return Trip.safeParse(done.choices[0].message.parsed).success ? RIGHT : 'nothing parsed';
});

row('json mode', NODE, async (asked) => {
  const { completions, asking } = chat(asked);
  const done = await completions.create({
    ...asking, response_format: { type: 'json_object' },
  });
  return typeof JSON.parse(done.choices[0].message.content) === 'object' ? RIGHT : 'no object';
});

row('stop is a string', NODE, async (asked) => {
  const { completions, asking } = chat(asked);
  const done = await completions.create({ ...asking, stop: '\n' });
  return done.choices[0].message.content ? RIGHT : 'no text';
});

row('finish_reason of a call, streamed', NODE, async (asked) => {
  const { completions, asking } = chat(asked);
  const stream = completions.stream({
    ...asking, tools: [weather], tool_choice: 'required',
  });
  const [choice] = (await stream.finalChatCompletion()).choices;
  const call = choice.message.tool_calls?.[0]?.function;
  if (!call || !Place.safeParse(JSON.parse(call.arguments)).success) return `call ${JSON.stringify(call)}`;
  return choice.finish_reason === 'tool_calls' ? RIGHT : `${choice.finish_reason}`;
});

// Calls the tool, feeds its result back, and asks again until the model answers
row('a loop of tools', NODE, async (asked) => {
  const { completions, asking } = chat(asked);
  const runner = completions.runTools({
    ...asking, max_tokens: 60,
    tools: [{
      type: 'function',
      function: {
        name: 'get_weather', description: 'Weather of a city', parse: JSON.parse,
        function: () => 'nonce-33',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    }],
  });
  const said = await runner.finalContent();
  return said?.includes('nonce-33') ? RIGHT : `ended with ${JSON.stringify(said)}`;
});

row('a model by name', NODE, async (asked) => {
  const { models } = chat(asked);
  const found = await models.retrieve(asked.model);
  return found.id === asked.model ? RIGHT : `${found.id}`;
});
