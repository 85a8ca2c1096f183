// OpenAI's dialect for engines that speak another: which requests need to be rewritten, and how they go on.
// Plain njs as of 0.7.9. njs runs a module's body for each request, so what only some requests need is
// elsewhere: gateway_rewrite.js writes them anew, gateway_answers.js has the way back.
import gateway from './gateway.js';
import scanner from './gateway_scan.js';
import keys from './dialect/keys.js';

const OPENAI = /^\/v1\/(?:chat\/)?completions$/;

// A value that needs no change is not longer
const SHORT = 32;

// Whether a body has, or may have, one of the keys at which its engine's dialect differs, and not with one of the
// values at which it does not.
function differs(same, found, bytes) {
    const names = Object.keys(same), at = found.keys;
    return names.some(key => gateway.own(at, key) && !same[key].test(bytes.slice(at[key], at[key] + SHORT).toString()))
        || found.end < bytes.length && scanner.mayFollow(bytes, found.end, names);
}

// Send a request on as it is, or have it rewritten for its engine.
function send(r, name, found) {
    const engine = models.engines[name];
    if (!gateway.own(keys, engine)) {
        gateway.pass(r, name, '@');
        return;
    }
    const route = keys[engine][r.variables.gateway_path];
    if (differs(route.keys, found, r.requestBuffer)) {
        r.internalRedirect('@rewrite');
    } else {
        // Few requests have what the error log must not: they need no second set of locations
        gateway.pass(r, name, route.words && !r.variables.gateway_quiet ? '/_gateway/words/' : '/_gateway/dialect/');
    }
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
        found = {keys: {}, end: r.requestBuffer.length};
    }
    send(r, name, found);
}

export default {byBody, byPath};
