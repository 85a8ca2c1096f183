// At which keys of a request an engine's dialect may differ from OpenAI's, by engine and route, and with which
// values it does not: a body without any of them goes on byte for byte. `words`: its answer then differs in
// words that never vary. An engine that speaks OpenAI's dialect itself is not here.
const NULL = /^\s*null\s*[,}]/;
const ONE = /^\s*(?:1|null)\s*[,}]/;
const BOOLEAN = /^\s*(?:true|false)\s*[,}]/;
const OBJECT = /^\s*\{/;
const PART = /^\s*(?:0?\.\d+|null)\s*[,}]/;
const NEGATIVE = /^\s*(?:-[\d.]*[1-9]\d*|null)\s*[,}]/;

const CHAT = {
    stop: NULL, logit_bias: NULL, n: ONE, top_p: PART, presence_penalty: NEGATIVE, stream: BOOLEAN, stream_options: OBJECT,
    functions: NULL, function_call: NULL, response_format: NULL, tools: NULL,
};
const COMPLETIONS = {
    stop: NULL, logit_bias: NULL, n: ONE, top_p: PART, stream: BOOLEAN, best_of: ONE, echo: NULL, logprobs: NULL,
};

export default {tgi: {
    '/v1/chat/completions': {keys: CHAT, words: true},
    '/v1/completions': {keys: COMPLETIONS, words: false},
}};
