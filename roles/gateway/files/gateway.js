// Who asks, and for which model. Plain njs as of 0.7.9: no classes, no shared memory.
import crypto from 'crypto';
import fs from 'fs';

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

// "quiet_" is for a request whose own words must not get into the error log
function send(r, wanted) {
    const name = choose(r, wanted);
    if (name !== null) {
        const place = own(models.replicated, name) ? 'model_' + name : 'backend';
        r.internalRedirect('@' + (r.variables.gateway_quiet || '') + place);
    }
}

const QUOTE = 34, COMMA = 44, COLON = 58, BACKSLASH = 92, LETTER_M = 109;
const BRACKET = 91, BRACKET_END = 93, BRACE = 123, BRACE_END = 125;
// What has a meaning outside of strings: at any depth, and at the top besides
const DEEP = [QUOTE, BRACKET, BRACKET_END, BRACE, BRACE_END];
const TOP = [QUOTE, BRACKET, BRACKET_END, BRACE, BRACE_END, COMMA, COLON];
// So many bytes are looked at one by one before a search skips the others that mean nothing
const NEAR = 8;
const DEEPEST = 1000;
// A worker serves nobody else meanwhile; this takes it 10 to 50 ms
const MOST_WORK = 280000;
const LONGEST_NAME = 4096;

// The next place from `at` on where a mark stands; `known` has the last one found of each.
function nearest(bytes, marks, known, at) {
    let found = bytes.length;
    for (let i = 0; i < marks.length; i++) {
        if (known[i] < at) {
            const place = bytes.indexOf(marks[i], at);
            known[i] = place < 0 ? bytes.length : place;
        }
        if (known[i] < found) {
            found = known[i];
        }
    }
    return found;
}

function parse(bytes, from, to) {
    return JSON.parse(bytes.slice(from, to).toString());
}

// Whether a key from here on can be "model", in escapes or not.
function mayFollow(bytes, at) {
    return bytes.indexOf('"model"', at) >= 0 || bytes.indexOf('\\u006', at) >= 0;
}

// A text, null, or false for any other value. What is longer than a name is not read.
function valueOf(bytes, from, to) {
    if (from < 0) {
        return undefined;
    }
    const text = bytes.slice(from, Math.min(to, from + LONGEST_NAME)).toString().trim();
    if (text[0] !== '"') {
        return text === 'null' ? null : false;
    }
    return to - from > LONGEST_NAME ? '' : JSON.parse(text);
}

// The value of the last top-level "model": undefined when there is none. The body is a stranger's
// to nginx, so nothing is parsed but keys and names, and the work is bounded: njs's own parser takes
// a hundred times a body's size, keeps it until the answer ends, and stops at 31 levels.
function scanModel(bytes) {
    const length = bytes.length, known = [-1, -1, -1, -1, -1, -1, -1];
    let depth = 0, key = null, value = -1, from = -1, to = -1, work = 0, plain = 0, at = 0;
    while (at < length) {
        work += 4;
        if (work > MOST_WORK) {
            if (from < 0 || value >= 0 || mayFollow(bytes, at)) {
                throw new SyntaxError('too many parts');
            }
            return valueOf(bytes, from, to);
        }
        const byte = bytes[at];
        if (byte === QUOTE) {
            // A string ends at the next quote that no backslash disarms
            let end = at, before;
            do {
                end = bytes.indexOf(QUOTE, end + 1);
                if (end < 0) {
                    throw new SyntaxError('a string has no end');
                }
                before = end - 1;
                while (bytes[before] === BACKSLASH && work <= MOST_WORK) {
                    before -= 1;
                    work += 1;
                }
                work += 2;
            } while ((end - before) % 2 === 0 && work <= MOST_WORK);
            // "model" with all its letters escaped has 32 characters
            if (depth === 1 && value < 0 && end - at < 32) {
                const first = bytes[at + 1];
                key = first === LETTER_M || first === BACKSLASH ? parse(bytes, at, end + 1) : '';
                work += 20;
            }
            at = end;
        } else if (byte === BRACKET || byte === BRACE) {
            depth += 1;
            if (depth > DEEPEST) {
                throw new SyntaxError('nested too deeply');
            }
        } else if (byte === COMMA || byte === BRACKET_END || byte === BRACE_END) {
            if (depth === 1) {
                if (value >= 0) {
                    from = value;
                    to = at;
                }
                key = null;
                value = -1;
            }
            depth -= byte === COMMA ? 0 : 1;
        } else if (depth === 1 && byte === COLON && key === 'model') {
            value = at + 1;
        } else if (plain === NEAR) {
            at = nearest(bytes, depth === 1 ? TOP : DEEP, known, at) - 1;
            plain = 0;
            work += 16;
        } else {
            plain += 1;
        }
        at += 1;
    }
    if (depth !== 0) {
        throw new SyntaxError('brackets do not match');
    }
    return valueOf(bytes, from, to);
}

function byBody(r) {
    let wanted;
    try {
        wanted = scanModel(r.requestBuffer);
    } catch (e) {
        refuse(r, 400, 'The body is no JSON that can be read, is nested too deeply, or has too many parts.',
            'invalid_request_error', null, 'invalid_json');
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

function toDefault(r) {
    send(r, null);
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

// One model of the list. "tgi", which is not in it, stands for the default one.
function retrieve(r) {
    const wanted = r.variables.gateway_named;
    const name = choose(r, wanted);
    if (name !== null) {
        const listed = models.lists[name].data;
        let at = 0;
        while (at < listed.length - 1 && listed[at].id !== wanted) {
            at += 1;
        }
        answer(r, 200, listed[listed[at].id === wanted ? at : 0]);
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

// Flags of drained replicas, as own names of an object: MODEL@REPLICA.
function flags() {
    const found = {};
    try {
        fs.readdirSync(models.flags).forEach(name => { found[name] = true; });
    } catch (e) {
        // No replica was ever drained
    }
    return found;
}

// Of a model with several blocks of replicas, the end of the name of a group of upstreams: '' for all replicas, or what
// is left of one block, drawn so that each replica gets the same share. '!' if every replica is drained.
function pool(r) {
    const name = r.variables.gateway_model, drained = flags();
    const blocks = models.blocks[name], ends = [], counts = [];
    let left = 0, all = true;
    for (let b = 0; b < blocks.length; b++) {
        let end = '!block' + b, count = 0;
        for (let i = 0; i < blocks[b].length; i++) {
            if (own(drained, name + '@' + blocks[b][i])) {
                end += '!' + (b + i * blocks.length);
                all = false;
            } else {
                count += 1;
            }
        }
        ends.push(end);
        counts.push(count);
        left += count;
    }
    if (all || left === 0) {
        return all ? '' : '!';
    }
    // Of random digits, as njs may begin each request with the same Math.random
    let drawn = parseInt(r.variables.request_id.substring(0, 8), 16) % left, chosen = 0;
    while (drawn >= counts[chosen]) {
        drawn -= counts[chosen];
        chosen += 1;
    }
    return ends[chosen];
}

export default {consumer, byBody, byPath, toDefault, list, listByPath, retrieve, health, healthByPath, pool};
