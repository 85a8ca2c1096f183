// An error in OpenAI's form, in the engine's words.

const IN_STREAM = /^data: ?\{\s*"error"\s*:/;
// So many bytes of a stream tell whether it begins with an error
const START = 32;
const TYPES = {401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 429: 'rate_limit_error'};
// In a stream the engine says 422 of every error; its words tell which it was
const WORDS = {'Model is overloaded': 429, 'Request failed during generation': 424, 'Incomplete generation': 500};
const EMPTY = {
    404: 'The engine does not know this route.',
    405: 'The engine does not take this method here.',
    413: 'The request is too large.',
};

function typeOf(status) {
    return TYPES[status] || (status < 500 && status !== 424 ? 'invalid_request_error' : 'server_error');
}

function statusOf(message, status) {
    const known = Object.keys(WORDS).filter(words => message.startsWith(words));
    return status === 422 && known.length > 0 ? WORDS[known[0]] : status;
}

function isText(value) {
    return typeof value === 'string' && value !== '';
}

// Engine's words and its own kind of error, out of {error: words, error_type}, {error: {…}}, or plain text
function understood(text) {
    let said = null;
    try {
        said = JSON.parse(text);
    } catch (e) {
        return {message: text.trim()};
    }
    const error = said !== null && typeof said === 'object' ? said.error : undefined;
    if (isText(error)) {
        return {message: error, code: said.error_type};
    }
    if (error !== null && typeof error === 'object' && isText(error.message)) {
        return {message: error.message, type: error.type, param: error.param, code: error.code};
    }
    return {message: text.trim()};
}

function error(status, text) {
    const said = understood(text);
    return JSON.stringify({error: {
        message: said.message || EMPTY[status] || 'The engine answered ' + status + ' without a word.',
        type: isText(said.type) ? said.type : typeOf(statusOf(said.message, status)),
        param: isText(said.param) ? said.param : null,
        code: said.code === undefined ? null : said.code,
    }});
}

// An event of a stream that is an error, in that form; any other as it is
function event(text) {
    return IN_STREAM.test(text) ? 'data: ' + error(422, text.slice(5)) : text;
}

// Of a stream's beginning, an event whose end has come
function whole(text, place, all) {
    return place < all.length - 1 ? event(text) : text;
}

// The same for the first bytes of a stream: an engine that refuses one says so in its first event
function first(bytes) {
    const text = bytes.slice(0, START).toString();
    return text.startsWith('data:') && IN_STREAM.test(text) ? bytes.toString().split('\n\n').map(whole).join('\n\n') : bytes;
}

export default {error, event, first};
