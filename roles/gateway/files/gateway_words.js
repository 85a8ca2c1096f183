// What an engine answers to a request that it got as it came. nginx itself exchanges the words that differ
// (words.conf.j2), for a hundredth of what njs takes; left to njs are errors, and what counts tokens.
// gateway_answers.js has all other answers: each file that a location imports costs each of its requests.
import dialects from './dialect/failing.js';
import budget from './gateway_budget.js';

// An error that is looked at whole has at most so many bytes
const MOST = 4194304;
// A request's answer has one context
const now = {};

function header(r) {
    now.dialect = dialects[models.engines[r.variables.gateway_model]];
    now.counts = budget.applies(r);
    now.failed = r.status >= 400;
    now.begun = false;
    now.parts = [];
    now.size = 0;
    if (now.failed) {
        delete r.headersOut['Content-Length'];
        r.headersOut['Content-Type'] = 'application/json';
    }
}

function error(r, data, flags) {
    now.parts.push(data);
    now.size += data.length;
    if (now.size > MOST) {
        now.failed = false;
        now.begun = true;
        r.sendBuffer(Buffer.concat(now.parts), flags);
    } else if (flags.last) {
        r.sendBuffer(now.dialect.error(r.status, Buffer.concat(now.parts).toString()), flags);
    }
}

function body(r, data, flags) {
    if (now.counts) {
        budget.note(r, data, flags);
    }
    if (now.failed) {
        error(r, data, flags);
        return;
    }
    if (data.length > 0 && !now.begun) {
        now.begun = true;
        data = now.dialect.first(data);
    }
    r.sendBuffer(data, flags);
    if (!now.counts && now.begun) {
        // nginx has the rest
        r.done();
    }
}

export default {header, body};
