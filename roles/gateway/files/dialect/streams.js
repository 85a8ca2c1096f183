// TGI's event streams in OpenAI's words, whatever the chunks they come in. Held back is as much of a text
// as may be the beginning of a stop; the rest of an unfinished event waits for its end.
import answers from './answers.js';
import errors from './errors.js';
import texts from './texts.js';

const DONE = /^data: ?\[DONE\]/;
const INDEX = /"index"\s*:\s*(\d+)/;
const REASON = /"finish_reason"\s*:\s*"([^"]*)"/;
const CALL = /("id"\s*:\s*)"\d*"(\s*,\s*"type"\s*:\s*"function")/;
const NO_CHOICES = /"choices"\s*:\s*\[\s*\]/;
const NULL_REASON = /("finish_reason"\s*:\s*)null/;
const TAIL = '[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]';

// How much of a text's end may be the beginning of a stop
function held(text, stops) {
    let most = 0;
    stops.forEach(stop => {
        if (text.indexOf(stop.charAt(0), Math.max(0, text.length - stop.length + 1)) < 0) {
            return;
        }
        for (let size = Math.min(stop.length - 1, text.length); size > most; size--) {
            if (stop.startsWith(text.slice(text.length - size))) {
                most = size;
            }
        }
    });
    return most;
}

// What of a choice's next piece goes on now
function released(piece, index, final, plan, state) {
    const key = 'held' + index, said = (state[key] || '') + piece;
    if (state['cut' + index]) {
        return '';
    }
    const at = answers.stopAt(said, plan.stop);
    if (at >= 0) {
        state.met = true;
        state['cut' + index] = true;
        state[key] = '';
        return said.slice(0, at);
    }
    const back = final ? 0 : held(said, plan.stop);
    state.met = state.met || back > 0;
    state[key] = said.slice(said.length - back);
    return said.slice(0, said.length - back);
}

// Whether a piece has nothing of a stop, and none before it had: as most, it then goes on as it is
function untouched(event, plan, state) {
    const place = state.met ? null : answers.content(event, plan.route);
    if (place === null) {
        return false;
    }
    const raw = event.slice(place.from, place.to);
    for (let i = 0; i < plan.stop.length; i++) {
        if (raw.indexOf(plan.stop[i].charAt(0), 1) > 0) {
            return false;
        }
    }
    return raw.indexOf('\\') < 0;
}

function indexOf(event) {
    if (event.indexOf('"index":0') > 0) {
        return '0';
    }
    const found = INDEX.exec(event);
    return found === null ? '0' : found[1];
}

function replaced(event, place, text) {
    return event.slice(0, place.from) + JSON.stringify(text) + event.slice(place.to);
}

// The text of one piece, without stops and without the name of the token that ends it
function text(event, plan, state) {
    const reason = event.indexOf('"finish_reason":null') > 0 ? null : REASON.exec(event);
    const final = reason !== null && reason[1] !== '';
    const ended = final && reason[1] === 'eos_token' && plan.route === '/v1/completions';
    if (plan.stop === undefined && !ended) {
        return event;
    }
    const place = answers.content(event, plan.route), index = indexOf(event);
    if (place === null) {
        return event;
    }
    const said = ended ? '' : JSON.parse(event.slice(place.from, place.to));
    if (plan.stop === undefined) {
        return replaced(event, place, said);
    }
    const made = replaced(event, place, released(said, index, final, plan, state));
    if (state['held' + index]) {
        // Should the stream end here, this is how a last piece looks
        state['like' + index] = replaced(event, place, state['held' + index]);
    }
    return final && state['cut' + index] ? answers.stopped(made) : made;
}

// A tool call's piece: its id comes once, as clients join the pieces
function call(event, state, fresh) {
    const found = INDEX.exec(event.slice(event.search(answers.CALLED)));
    const number = found === null ? 0 : Number(found[1]), seen = 'call' + number;
    const id = state[seen] ? 'null' : '"' + answers.callId(fresh, number) + '"';
    const made = event.replace(CALL, '$1' + id + '$2');
    if (!state.called) {
        state.called = tail(event);
    }
    state[seen] = true;
    return made;
}

// The piece that tells why a call ended, after the likeness of its first one
function tail(event) {
    const from = event.indexOf('[', event.indexOf('"choices"'));
    let depth = 0, at = from;
    do {
        const char = event.charAt(at);
        if (char === '"') {
            at = texts.behind(event, at) - 1;
        }
        depth += char === '[' || char === '{' ? 1 : (char === ']' || char === '}' ? -1 : 0);
        at += 1;
    } while (depth > 0 && at < event.length);
    return event.slice(0, from) + TAIL + event.slice(at);
}

// What must come before the end of a stream, or before its usage
function rest(plan, state) {
    let out = '';
    Object.keys(state).forEach(key => {
        if (key.startsWith('held') && state[key] && state['like' + key.slice(4)]) {
            out += state['like' + key.slice(4)].replace(NULL_REASON, '$1null') + '\n\n';
            state[key] = '';
        }
    });
    if (state.called && !state.ended) {
        state.ended = true;
        out += state.called + '\n\n';
    }
    return out;
}

// Most pieces need an id, and a look for stops; null where more is to do
function simple(made, plan, state) {
    if (state.called) {
        return null;
    }
    if (made.indexOf('"finish_reason":null') > 0 && made.indexOf('"tool_calls"') < 0) {
        return plan.stop === undefined || untouched(made, plan, state) ? made : text(made, plan, state);
    }
    if (plan.stop !== undefined) {
        return null;
    }
    const at = made.indexOf('"finish_reason":""');
    return at < 0 ? null : made.slice(0, at) + '"finish_reason":null' + made.slice(at + 18);
}

function event(given, plan, state, fresh) {
    if (!given.startsWith('data:')) {
        return given;
    }
    const named = answers.withId(given, plan, fresh), quick = simple(named, plan, state);
    return quick === null ? changed(given, named, plan, state, fresh) : quick;
}

function changed(given, named, plan, state, fresh) {
    let made = named;
    if (DONE.test(given)) {
        return rest(plan, state) + given;
    }
    const failed = errors.event(given);
    if (failed !== given) {
        state.ended = true;
        return rest(plan, state) + failed;
    }
    if (NO_CHOICES.test(made)) {
        return rest(plan, state) + made;
    }
    if (answers.CALLED.test(made)) {
        made = call(made, state, fresh);
    } else {
        made = text(made, plan, state);
    }
    if (state.called && !state.ended && REASON.test(made)) {
        state.ended = true;
        return made.replace(answers.STOPPED, '$1"tool_calls"');
    }
    return made.indexOf('"finish_reason":null') > 0 ? made : answers.reasons(made);
}

// A chunk of a stream, rewritten: {text, state}. `last`: nothing comes after it
function events(chunk, plan, before, fresh, last) {
    const state = before || {}, end = chunk.indexOf('\n\n');
    if (!state.rest && !last && end > 0 && end === chunk.length - 2) {
        // One event, as it mostly is
        return {text: event(chunk.slice(0, end), plan, state, fresh) + '\n\n', state: state};
    }
    const all = ((state.rest || '') + chunk).split('\n\n');
    let out = '';
    state.rest = all.pop();
    all.forEach(one => {
        out += event(one, plan, state, fresh) + '\n\n';
    });
    if (last) {
        out += (state.rest === '' ? '' : event(state.rest, plan, state, fresh)) + (state.rest === '' ? rest(plan, state) : '');
        state.rest = '';
    }
    return {text: out, state: state};
}

// Whether a stream that begins like this has nothing to change but words that never vary as the engine
// writes them: nginx exchanges these by itself, for a hundredth of what njs takes for an event.
function literal(chunk, plan) {
    return plan.route === '/v1/chat/completions' && plan.stop === undefined && !plan.tools
        && chunk.startsWith('data:') && chunk.indexOf('"id":""') > 0;
}

export default {events, literal};
