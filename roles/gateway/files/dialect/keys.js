// At which keys of a request an engine's dialect may differ from OpenAI's, by engine and route: a body
// without any of them goes on byte for byte. `words`: its answer then differs in words that never vary.
// An engine that speaks OpenAI's dialect itself is not here.
const CHAT = ['stop', 'logit_bias', 'n', 'functions', 'function_call', 'response_format', 'tools'];
const COMPLETIONS = ['stop', 'logit_bias', 'n', 'best_of', 'echo', 'logprobs'];

export default {tgi: {
    '/v1/chat/completions': {keys: CHAT, words: true},
    '/v1/completions': {keys: COMPLETIONS, words: false},
}};
