// Who asks, and for which model. Plain njs as of 0.7.9: no classes, no shared memory.
import crypto from 'crypto';

// Own names only: "toString" is neither a key nor a model. A preloaded object has no methods.
function own(object, name) {
    return Object.prototype.hasOwnProperty.call(object, name);
}

function deny(r, who, why) {
    r.variables.gateway_denied = why;
    r.variables.gateway_denied_consumer = who;
    return '';
}

function admit(r, who) {
    return own(keyring.disabled, who) ? deny(r, who, 'disabled') : who;
}

// Whose certificate it is; nginx has verified that it is one of ours.
function bySubject(r) {
    const subject = r.variables.ssl_client_s_dn;
    const good = r.variables.ssl_client_verify === 'SUCCESS' && own(keyring.subjects, subject);
    return good ? admit(r, keyring.subjects[subject]) : '';
}

// The consumer who asks, or ''. The token itself is kept nowhere.
function consumer(r) {
    const sent = r.headersIn['Authorization'];
    if (sent === undefined) {
        return bySubject(r);
    }
    const match = /^Bearer +(\S+) *$/i.exec(sent);
    if (match === null) {
        return '';
    }
    const digest = crypto.createHash('sha256').update(match[1]).digest('hex');
    if (!own(keyring.keys, digest)) {
        return '';
    }
    const entry = keyring.keys[digest];
    const over = entry[1] > 0 && Date.now() >= entry[1] * 1000;
    return over ? deny(r, entry[0], 'expired') : admit(r, entry[0]);
}

function answer(r, status, body) {
    r.headersOut['Content-Type'] = 'application/json';
    r.return(status, JSON.stringify(body));
}

function refuse(r, status, message, type, param, code) {
    answer(r, status, {error: {message: message, type: type, param: param, code: code}});
}

// Who has no key is not told what there is.
function unknownModel(r) {
    if (r.variables.gateway_consumer === '') {
        r.return(404);
        return;
    }
    refuse(r, 404, 'The model does not exist here. There are: ' + models.shown + '.',
        'invalid_request_error', 'model', 'model_not_found');
}

// The model that is meant, noted for the map of upstreams and the log; null, and answered, if there is none.
function choose(r, wanted) {
    if (wanted !== null && !own(models.names, wanted)) {
        unknownModel(r);
        return null;
    }
    const name = wanted === null ? models.default : models.names[wanted];
    r.variables.gateway_model = name;
    return name;
}

function send(r, wanted) {
    const name = choose(r, wanted);
    if (name !== null) {
        r.internalRedirect(own(models.replicated, name) ? '@model_' + name : '@backend');
    }
}

const QUOTE = 34, COMMA = 44, COLON = 58, BACKSLASH = 92;
const BRACKET = 91, BRACKET_END = 93, BRACE = 123, BRACE_END = 125;
const DEEPEST = 1000;
// A worker serves nobody else meanwhile, and a step takes it up to a microsecond
const MOST_STEPS = 200000;

// Where a string ends that began before `from`: at the next quote that no backslash disarms.
function stringEnd(bytes, from) {
    for (;;) {
        const quote = bytes.indexOf(QUOTE, from);
        if (quote < 0) {
            throw new SyntaxError('a string has no end');
        }
        let before = quote - 1;
        while (bytes[before] === BACKSLASH) {
            before -= 1;
        }
        if ((quote - before) % 2 === 1) {
            return quote;
        }
        from = quote + 1;
    }
}

function parse(bytes, from, to) {
    return JSON.parse(bytes.slice(from, to).toString());
}

// The value of the last top-level "model", found without recursion: njs's own parser gives up
// beyond 31 levels, which a tool's schema can reach. undefined when there is none. Over bytes,
// as every step in a string costs njs its length.
function scanModel(bytes) {
    const length = bytes.length;
    let depth = 0, key = null, value = -1, steps = 0, found;
    for (let at = 0; at < length; at++) {
        const byte = bytes[at];
        steps += 1;
        if (steps > MOST_STEPS || depth > DEEPEST) {
            throw new SyntaxError('nested too deeply for its size');
        }
        if (byte === QUOTE) {
            const end = stringEnd(bytes, at + 1);
            // "model" with all its letters escaped has 32 characters
            if (depth === 1 && value < 0 && end - at < 32) {
                key = parse(bytes, at, end + 1);
            }
            at = end;
        } else if (byte === BRACKET || byte === BRACE) {
            depth += 1;
        } else if (depth === 1 && byte === COLON && key === 'model') {
            value = at + 1;
        } else if (byte === COMMA || byte === BRACKET_END || byte === BRACE_END) {
            if (depth === 1) {
                found = value < 0 ? found : parse(bytes, value, at);
                key = null;
                value = -1;
            }
            depth -= byte === COMMA ? 0 : 1;
        }
    }
    if (depth !== 0) {
        throw new SyntaxError('brackets do not match');
    }
    return found;
}

function modelOf(r) {
    let body;
    try {
        body = JSON.parse(r.requestText);
    } catch (e) {
        return scanModel(r.requestBuffer);
    }
    return body !== null && typeof body === 'object' ? body.model : undefined;
}

function byBody(r) {
    let wanted;
    try {
        wanted = modelOf(r);
    } catch (e) {
        refuse(r, 400, 'The body is no JSON that can be read, or is nested too deeply.', 'invalid_request_error', null, 'invalid_json');
        return;
    }
    if (wanted === undefined || wanted === null) {
        send(r, null);
    } else if (typeof wanted !== 'string') {
        refuse(r, 400, 'model must be a string.', 'invalid_request_error', 'model', 'invalid_model');
    } else {
        send(r, wanted);
    }
}

function byPath(r) {
    send(r, r.variables.gateway_named);
}

function list(r) {
    answer(r, 200, models.list);
}

function listByPath(r) {
    const name = choose(r, r.variables.gateway_named);
    if (name !== null) {
        answer(r, 200, models.lists[name]);
    }
}

// Only whether it is well: an engine's error text is nobody's business here.
function healthOf(r, wanted) {
    const name = choose(r, wanted);
    if (name === null) {
        return;
    }
    const path = '/_gateway/health' + (own(models.replicated, name) ? '/' + name : '');
    r.subrequest(path, {method: 'GET'}).then(
        reply => r.return(reply.status === 200 ? 200 : 503, ''),
        () => r.return(503, ''));
}

function health(r) {
    healthOf(r, null);
}

function healthByPath(r) {
    healthOf(r, r.variables.gateway_named);
}

export default {consumer, byBody, byPath, list, listByPath, health, healthByPath};
