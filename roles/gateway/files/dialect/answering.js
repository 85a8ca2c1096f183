// How each engine's answers become OpenAI's: of the engines in keys.js. What TGI 3.3.7 says otherwise was
// measured on the engine itself; docs/clients.md has the rows.
import answers from './answers.js';
import errors from './errors.js';
import replay from './replay.js';
import streams from './streams.js';

export default {tgi: {
    answer: answers.answer, events: streams.events, literal: streams.literal, replay: replay, error: errors.error,
}};
