// Who asks, and for which model. Plain njs as of 0.7.9: no classes, no shared memory.
import crypto from 'crypto';

// The digest of the bearer token, or '' without one. The token itself is kept nowhere.
function keyDigest(r) {
    const match = /^Bearer +(\S+) *$/i.exec(r.headersIn['Authorization'] || '');
    return match ? crypto.createHash('sha256').update(match[1]).digest('hex') : '';
}

function answer(r, status, body) {
    r.headersOut['Content-Type'] = 'application/json';
    r.return(status, JSON.stringify(body));
}

function refuse(r, status, message, type, param, code) {
    answer(r, status, {error: {message: message, type: type, param: param, code: code}});
}

function unauthorized(r) {
    refuse(r, 401, 'Missing or unknown API key: send it as "Authorization: Bearer KEY".',
        'invalid_request_error', null, 'invalid_api_key');
}

// What `model` means, own names only: "toString" is no model.
function resolve(name) {
    const names = models.names;
    return Object.prototype.hasOwnProperty.call(names, name) ? names[name] : null;
}

function send(r, wanted) {
    const name = wanted === null ? models.default : resolve(wanted);
    if (name === null) {
        refuse(r, 404, 'The model does not exist here. There are: ' + models.shown + '.',
            'invalid_request_error', 'model', 'model_not_found');
        return;
    }
    r.variables.gateway_model = name;
    r.variables.gateway_upstream = 'model_' + name;
    r.internalRedirect('@backend');
}

const OPEN = 1, CLOSE = -1;
const DEPTH = {'{': OPEN, '[': OPEN, '}': CLOSE, ']': CLOSE};

// The value of the last top-level "model" of a JSON object, found without recursion: njs's own
// parser gives up beyond 31 levels, which a tool schema can reach. undefined when there is none.
function scanModel(text) {
    const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;
    let depth = 0, key = null, previous = '', found;
    for (let match = token.exec(text); match !== null; match = token.exec(text)) {
        const piece = match[0];
        if (depth === 1 && piece[0] === '"') {
            if (previous === ':' && key === 'model') {
                found = JSON.parse(piece);
            } else if (previous !== ':') {
                key = JSON.parse(piece);
            }
        } else if (depth === 1 && key === 'model' && previous === ':' && piece !== ',') {
            found = piece === '}' ? undefined : {};
        }
        depth += DEPTH[piece] || 0;
        previous = piece;
    }
    if (depth !== 0 || previous !== '}') {
        throw new SyntaxError('not one JSON object');
    }
    return found;
}

function modelOf(text) {
    let body;
    try {
        body = JSON.parse(text);
    } catch (e) {
        return scanModel(text);
    }
    return body !== null && typeof body === 'object' ? body.model : undefined;
}

function byBody(r) {
    let wanted;
    try {
        wanted = modelOf(r.requestText);
    } catch (e) {
        refuse(r, 400, 'The body is not JSON.', 'invalid_request_error', null, 'invalid_json');
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

// Only whether it is well: an engine's error text is nobody's business here.
function health(r) {
    r.subrequest('/_gateway/health', {method: 'GET'}).then(
        reply => r.return(reply.status === 200 ? 200 : 503, ''),
        () => r.return(503, ''));
}

export default {keyDigest, unauthorized, byBody, byPath, list, health};
