// TGI's whole answers and pieces of streams in OpenAI's words. They are changed in place: a key between
// quotes cannot stand within a text, where quotes have a backslash before them.
import texts from './texts.js';

const NO_ID = /"id"\s*:\s*""/;
const CALL_ID = /("id"\s*:\s*)"\d*"(\s*,\s*"type"\s*:\s*"function")/g;
const REASON = /("finish_reason"\s*:\s*)"(stop_sequence|eos_token|)"/g;
const ENDED = /("finish_reason"\s*:\s*)"[^"]*"/;
const STOPPED = /("finish_reason"\s*:\s*)"(?:stop|stop_sequence|eos_token)"/g;
const CONTENT = {'/v1/chat/completions': /"content"\s*:\s*"/g, '/v1/completions': /"text"\s*:\s*"/g};
const CALLED = /"tool_calls"\s*:\s*\[\s*\{/;
const NO_CONTENT = /("role"\s*:\s*"assistant"\s*,\s*)("tool_calls"\s*:)/;
const CHAT = '/v1/chat/completions';
const ZEROS = '000000000';

function answerId(plan, fresh) {
    return (plan.route === CHAT ? 'chatcmpl-' : 'cmpl-') + fresh;
}

// Nine letters and digits: some models' chat templates take no other ids
function callId(fresh, number) {
    const text = (parseInt(fresh.slice(0, 12), 16) + number).toString(36);
    return (ZEROS + text).slice(-9);
}

function reason(whole, key, word) {
    return key + (word === '' ? 'null' : '"stop"');
}

function reasons(text) {
    return text.replace(REASON, reason);
}

// TGI writes no blanks, and a search costs a tenth of a pattern; blanks are for what stands in between
function withId(text, plan, fresh) {
    const at = text.indexOf('"id":""');
    if (at >= 0) {
        return text.slice(0, at) + '"id":"' + answerId(plan, fresh) + '"' + text.slice(at + 7);
    }
    return text.replace(NO_ID, '"id":"' + answerId(plan, fresh) + '"');
}

// The places of a text's contents: [{from, to}], with their quotes
function contents(text, route) {
    const pattern = CONTENT[route], found = [];
    if (pattern === undefined) {
        return found;
    }
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
        const from = match.index + match[0].length - 1, to = texts.behind(text, from);
        found.push({from: from, to: to});
        pattern.lastIndex = to;
    }
    return found;
}

// The place of the one content of a piece, or null
function content(text, route) {
    const key = route === CHAT ? '"content":"' : '"text":"', at = text.indexOf(key);
    if (at < 0) {
        const all = contents(text, route);
        return all.length === 0 ? null : all[0];
    }
    return {from: at + key.length - 1, to: texts.behind(text, at + key.length - 1)};
}

// Where the first stop begins, or -1
function stopAt(text, stops) {
    let first = -1;
    stops.forEach(stop => {
        const at = text.indexOf(stop);
        first = at >= 0 && (first < 0 || at < first) ? at : first;
    });
    return first;
}

function stopped(text) {
    return text.replace(ENDED, '$1"stop"');
}

function cut(text, plan) {
    const found = contents(text, plan.route);
    for (let i = found.length - 1; i >= 0; i--) {
        const said = JSON.parse(text.slice(found[i].from, found[i].to)), at = stopAt(said, plan.stop);
        if (at >= 0) {
            // The engine may have written on, and ended for another reason
            text = text.slice(0, found[i].from) + JSON.stringify(said.slice(0, at)) + stopped(text.slice(found[i].to));
        }
    }
    return text;
}

function called(text, fresh) {
    let number = 0;
    return text.replace(CALL_ID, (whole, key, rest) => key + '"' + callId(fresh, number++) + '"' + rest)
        .replace(NO_CONTENT, '$1"content":null,$2')
        .replace(STOPPED, '$1"tool_calls"');
}

// A whole answer with status 200
function answer(text, plan, fresh) {
    const named = withId(text, plan, fresh);
    const made = CALLED.test(named) ? called(named, fresh) : reasons(named);
    return plan.stop === undefined ? made : cut(made, plan);
}

export default {answer, answerId, callId, withId, reasons, content, stopAt, stopped, CALLED, STOPPED};
