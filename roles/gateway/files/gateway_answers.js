// What an engine answers, in OpenAI's dialect: njs's filters of header and body. A request's plan is
// in a variable, because njs forgets all else on the way to the engine; its answer has one context.
import dialects from './dialect/answering.js';
import budget from './gateway_budget.js';

// An answer that is looked at whole has at most so many bytes
const MOST = 4194304;
const NEWLINE = 10;
const ENGINE = ['addr', 'status', 'connect_time', 'header_time', 'response_time'];
const TOO_LARGE = 'data: {"error":{"message":"The answer is too large to be sent as a stream.",'
    + '"type":"server_error","param":null,"code":"answer_too_large"}}\n\ndata: [DONE]\n\n';
const BROKEN = 'data: {"error":{"message":"The engine\'s answer broke off: ask again.",'
    + '"type":"server_error","param":null,"code":"answer_broken"}}\n\ndata: [DONE]\n\n';

// How an answer passes: 'pass' as it is, 'events' line by line, 'answer', 'replay' and 'error' whole.
const now = {};

function modeOf(r, dialect, plan) {
    const stream = /^text\/event-stream/.test(r.headersOut['Content-Type'] || '');
    let mode = 'pass';
    if (r.status >= 400) {
        mode = 'error';
    } else if (r.status === 200) {
        mode = plan.replay && !stream ? 'replay' : stream ? 'events' : 'answer';
    }
    return dialect[mode] === undefined ? 'pass' : mode;
}

function header(r) {
    now.dialect = dialects[models.engines[r.variables.gateway_model]];
    const plan = r.variables.gateway_plan;
    now.plan = plan ? JSON.parse(plan) : {route: r.variables.gateway_path};
    now.mode = modeOf(r, now.dialect, now.plan);
    now.fresh = r.variables.request_id;
    now.counts = budget.applies(r);
    now.parts = [];
    now.size = 0;
    now.state = {};
    now.begun = false;
    now.told = !now.plan.kept;
    now.status = r.status;
    if (now.mode !== 'pass') {
        delete r.headersOut['Content-Length'];
        r.headersOut['Content-Type'] = now.mode === 'events' || now.mode === 'replay'
            ? 'text/event-stream' : 'application/json';
    }
}

function whole() {
    const text = now.parts.length === 1 ? now.parts[0].toString() : Buffer.concat(now.parts).toString();
    now.parts = [];
    now.size = 0;
    return text;
}

// A fault of ours must not cost the client its answer. Who asked for a stream cannot read what is none.
function made(r, make, text) {
    const replayed = now.mode === 'replay';
    try {
        return make(text);
    } catch (e) {
        r.error('the dialect failed: ' + e.message);
        now.mode = 'pass';
        return replayed ? BROKEN : text;
    }
}

// Lines as they are complete; a chunk may end within one, and within a character.
function stream(r, data, last) {
    const end = last ? data.length : data.lastIndexOf(NEWLINE) + 1;
    if (end === 0 && !last) {
        if (data.length > 0) {
            keep(data);
        }
        return;
    }
    keep(data.slice(0, end));
    const text = made(r, lines => {
        const found = now.dialect.events(lines, now.plan, now.state, now.fresh, last);
        now.state = found.state;
        return found.text;
    }, whole());
    if (end < data.length) {
        keep(data.slice(end));
    }
    if (text !== '' || last) {
        r.sendBuffer(text, {last: last});
    }
}

function keep(data) {
    now.parts.push(data);
    now.size += data.length;
}

// What gateway_kept.js sends before an answer: comments, which go on at once, and a line for the log.
// Returns what is behind that line.
function told(r, data) {
    keep(data);
    data = Buffer.concat(now.parts);
    for (let end = data.indexOf(NEWLINE); end >= 0 && !now.told; end = data.indexOf(NEWLINE)) {
        const line = data.slice(0, end).toString();
        data = data.slice(end + 1);
        if (line[0] === ':') {
            r.sendBuffer(line + '\n\n', {last: false});
        } else if (line[0] === '[') {
            const report = JSON.parse(line);
            now.told = true;
            now.status = report.shift();
            ENGINE.forEach((name, place) => { r.variables['gateway_engine_' + name] = report[place]; });
        }
    }
    now.parts = now.told ? [] : [data];
    now.size = now.told ? 0 : data.length;
    return now.told ? data : data.slice(0, 0);
}

function finish(r) {
    const mode = now.mode;
    const text = made(r, answer => {
        if (mode === 'error') {
            return now.dialect.error(r.status, answer);
        }
        if (mode === 'replay' && now.status >= 400) {
            return 'data: ' + now.dialect.error(now.status, answer) + '\n\ndata: [DONE]\n\n';
        }
        return now.dialect[mode](answer, now.plan, now.fresh);
    }, whole());
    r.sendBuffer(text, {last: true});
}

function body(r, data, flags) {
    if (now.counts) {
        budget.note(r, data, flags);
    }
    if (!now.told) {
        data = told(r, data);
    }
    if (now.mode === 'events' && !now.begun && data.length > 0) {
        now.begun = true;
        now.mode = now.dialect.literal(data.toString(), now.plan) ? 'pass' : 'events';
    }
    if (now.mode === 'pass') {
        r.sendBuffer(data, flags);
        if (!now.counts) {
            // nginx's own filters have the rest
            r.done();
        }
    } else if (now.mode === 'drop') {
        if (flags.last) {
            r.sendBuffer('', flags);
        }
    } else if (now.size + data.length > MOST) {
        // Too much to look at: as it is, but a client that asked for a stream could not read it
        keep(data);
        const text = now.mode === 'replay' ? TOO_LARGE : Buffer.concat(now.parts);
        now.mode = now.mode === 'replay' ? 'drop' : 'pass';
        now.parts = [];
        r.sendBuffer(text, flags);
    } else if (now.mode === 'events') {
        stream(r, data, flags.last);
    } else {
        if (data.length > 0) {
            keep(data);
        }
        if (flags.last) {
            finish(r);
        }
    }
}

export default {header, body};
