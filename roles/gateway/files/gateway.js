// Who asks, and for which model. Plain njs as of 0.7.9: no classes, no shared memory.
import crypto from 'crypto';
import fs from 'fs';
import scanner from './gateway_scan.js';

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

// On to a model's location, whose name begins with `begin`: '@', or a path. "quiet_" is for a request whose own words must not get into the error log
function pass(r, name, begin) {
    const place = own(models.replicated, name) ? 'model_' + name : 'backend';
    r.internalRedirect(begin + (r.variables.gateway_quiet || '') + place);
}

function send(r, wanted) {
    const name = choose(r, wanted);
    if (name !== null) {
        pass(r, name, '@');
    }
}

// What a body says: the model that it wants (null: the default one) and its keys as scanner.scan()
// returns them. null, and answered, if that cannot be read.
function read(r, keys) {
    let found;
    try {
        found = scanner.scan(r.requestBuffer, keys, false);
    } catch (e) {
        refuse(r, 400, 'The body is no JSON that can be read, is nested too deeply, or has too many parts.',
            'invalid_request_error', null, 'invalid_json');
        return null;
    }
    if (found.model === undefined) {
        found.model = null;
    }
    if (found.model !== null && typeof found.model !== 'string') {
        refuse(r, 400, 'model must be a string.', 'invalid_request_error', 'model', 'invalid_model');
        return null;
    }
    return found;
}

function byBody(r) {
    const found = read(r, false);
    if (found !== null) {
        send(r, found.model);
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

// One model of the list, below a model's path only that one. "tgi", which is not in it, stands for the default one.
function retrieve(r) {
    const wanted = r.variables.gateway_named, among = r.variables.gateway_among;
    const name = choose(r, wanted);
    if (name !== null && among && models.names[among] !== name) {
        unknownModel(r);
    } else if (name !== null) {
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

export default {
    consumer, byBody, byPath, toDefault, list, listByPath, retrieve, health, healthByPath, pool,
    // For gateway_dialect.js
    own, read, choose, pass, refuse
};
