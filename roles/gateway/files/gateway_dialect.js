// OpenAI's dialect for engines that speak another: which requests are rewritten, and how they go on.
// Plain njs as of 0.7.9. What an engine needs is in dialect/; nothing here knows one.
import gateway from './gateway.js';
import scanner from './gateway_scan.js';
import dialects from './dialect/dialects.js';

const OPENAI = /^\/v1\/(?:chat\/)?completions$/;

// The dialect of a model's engine, or null where that speaks OpenAI's.
function dialectOf(name) {
    const engine = models.engines[name];
    const dialect = gateway.own(dialects, engine) ? dialects[engine] : {};
    return dialect.request === undefined ? null : dialect;
}

// Whether a body has, or may have, one of the keys at which its engine's dialect differs.
function differs(keys, found, bytes) {
    return keys.some(key => gateway.own(found.keys, key))
        || found.end < bytes.length && scanner.mayFollow(bytes, found.end, keys);
}

// Send a request on: as it is, or as its engine understands it; refuse what that cannot do.
function send(r, name, found) {
    const dialect = dialectOf(name), route = r.variables.gateway_path, bytes = r.requestBuffer;
    if (dialect === null) {
        gateway.pass(r, name, '');
        return;
    }
    let plan = {route: route};
    if (differs(dialect.keys[route], found, bytes)) {
        let made;
        try {
            made = dialect.request(route, bytes.toString(), {live: models.live});
        } catch (e) {
            made = {refused: {message: 'The body cannot be read: ' + e.message + '.', param: null, code: 'invalid_json'}};
        }
        if (made.refused !== undefined) {
            const why = made.refused;
            gateway.refuse(r, 400, why.message, 'invalid_request_error', why.param, why.code);
            return;
        }
        if (made.text !== null) {
            r.variables.gateway_body = made.text;
        }
        plan = made.plan;
    }
    r.variables.gateway_plan = JSON.stringify(plan);
    gateway.pass(r, name, 'dialect_');
}

function byBody(r) {
    const found = gateway.read(r, true);
    const name = found === null ? null : gateway.choose(r, found.model);
    if (name !== null) {
        send(r, name, found);
    }
}

// A body that cannot be read is for the engine to judge: the path names the model.
function byPath(r) {
    if (!OPENAI.test(r.variables.gateway_path)) {
        gateway.byPath(r);
        return;
    }
    const name = gateway.choose(r, r.variables.gateway_named);
    if (name === null) {
        return;
    }
    let found;
    try {
        found = scanner.scan(r.requestBuffer, true, true);
    } catch (e) {
        gateway.pass(r, name, '');
        return;
    }
    send(r, name, found);
}

export default {byBody, byPath};
