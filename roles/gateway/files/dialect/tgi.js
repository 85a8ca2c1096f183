// What TGI 3.3.7 says otherwise than OpenAI, measured on the engine itself; docs/clients.md has the rows.
import answers from './answers.js';
import error from './errors.js';
import events from './streams.js';
import replay from './replay.js';
import request from './requests.js';

// Keys of a request at which it may need a change; one without any of them goes on byte for byte
const CHAT = ['stop', 'logit_bias', 'n', 'functions', 'function_call', 'response_format', 'tools'];
const COMPLETIONS = ['stop', 'logit_bias', 'n', 'best_of', 'echo', 'logprobs'];

export default {
    keys: {'/v1/chat/completions': CHAT, '/v1/completions': COMPLETIONS},
    request: request,
    answer: answers.answer,
    events: events,
    replay: replay,
    error: error,
};
