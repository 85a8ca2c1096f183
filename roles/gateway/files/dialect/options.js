// Options of a request that are a single value: what TGI reads otherwise than OpenAI, or does not have.
import json from './json.js';
import refusal from './refusal.js';
import values from './values.js';

const BRACE = 123;
const EMPTY = /^\[\s*\]$/;

function logitBias(body) {
    const part = json.named(body.parts, 'logit_bias');
    if (!values.starts(body, part, BRACE)) {
        return;
    }
    if (json.parts(body.read, part.from).length > 0) {
        throw refusal('logit_bias', 'unsupported_parameter', 'The engine has no logit_bias: leave it out.');
    }
    values.put(body, part, 'null');
}

function one(body, key, remedy) {
    if (Number(values.raw(body, key)) > 1) {
        throw refusal(key, 'unsupported_value', 'The engine gives one answer to a request, and ' + key + ' asks for more: ' + remedy);
    }
}

function unknown(body, key, words) {
    const text = values.raw(body, key);
    if (text !== 'null' && text !== 'false' && !EMPTY.test(text)) {
        throw refusal(key, 'unsupported_parameter', words);
    }
}

// All tokens, which TGI only says by leaving it out
function topP(body) {
    if (Number(values.raw(body, 'top_p')) === 1) {
        values.put(body, json.named(body.parts, 'top_p'), 'null');
    }
}

// TGI takes it, and 2 more, for its penalty of repetitions, which at 2 spoils the text. Below 0 this is its own form.
function presencePenalty(body) {
    const text = values.raw(body, 'presence_penalty'), penalty = Number(text);
    if (penalty > 0) {
        throw refusal('presence_penalty', 'unsupported_value', 'The engine would take presence_penalty ' + text + ' for a repetition penalty of ' +
            (penalty + 2) + ', which spoils the text: leave it out, or write frequency_penalty.');
    }
    if (penalty === 0) {
        values.put(body, json.named(body.parts, 'presence_penalty'), 'null');
    }
}

// What may be null at OpenAI, and not at TGI
function orNull(body, key, text) {
    const part = json.named(body.parts, key);
    if (part !== null && values.raw(body, key) === 'null') {
        values.put(body, part, text);
    }
}

export default {logitBias, one, unknown, topP, presencePenalty, orNull};
