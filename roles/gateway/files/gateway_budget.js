// How many tokens a consumer's answers have had this minute. Needs njs 0.8: workers share the count.
// What a request has to remember is in nginx's variables: njs may use one context for several.

const MINUTE = 60000;
// Longer than the name of a count with its number, as a chunk may end in the middle of it
const TAIL = 64;
const COUNT = /"(?:completion_tokens|generated_tokens)"\s*:\s*(\d+)/g;
const EVENT = /(?:^|\n)data:(?! ?\[DONE\])/g;

function keyNow(r) {
    return r.variables.gateway_consumer + ' ' + Math.floor(Date.now() / MINUTE);
}

// 'spent' when the minute's budget is used up, else ''.
function spent(r) {
    const budget = Number(r.variables.gateway_budget);
    if (!budget || (ngx.shared.gateway_tokens.get(keyNow(r)) || 0) < budget) {
        return '';
    }
    r.variables.gateway_minute_left = String(Math.ceil((MINUTE - Date.now() % MINUTE) / 1000));
    return 'spent';
}

// Every match of a pattern; String.match fails in njs 0.8 where a pattern with g finds nothing.
function all(pattern, text) {
    const found = [];
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
        found.push(match);
    }
    return found;
}

// The tokens so far, after a chunk: as many as the engine last said, else one more for each event.
function counted(before, tail, text) {
    const said = all(COUNT, tail + text);
    return said.length > 0 ? Number(said[said.length - 1][1]) : before + all(EVENT, text).length;
}

// Counts what a chunk of an engine's answer has.
function note(r, data, flags) {
    const before = Number(r.variables.gateway_tokens || 0);
    let now = before;
    if (data.length > 0) {
        const text = data.toString(), tail = r.variables.gateway_tail || '';
        now = counted(before, tail, text);
        r.variables.gateway_tail = (tail + text).slice(-TAIL);
    }
    if (flags.last && now === 0) {
        // TGI's /generate says it in a header only
        now = Number(r.variables.upstream_http_x_generated_tokens || 0);
    }
    if (now !== before) {
        ngx.shared.gateway_tokens.incr(keyNow(r), now - before, 0);
        r.variables.gateway_tokens = String(now);
    }
}

// Sees every chunk of an answer and passes it on as it is.
function count(r, data, flags) {
    r.sendBuffer(data, flags);
    if (r.variables.gateway_budget === '0') {
        r.done();
        return;
    }
    note(r, data, flags);
}

// Whether there is a budget at all, and one for this consumer.
function applies(r) {
    return Boolean(Number(r.variables.gateway_budget));
}

export default {spent, count, note, applies};
