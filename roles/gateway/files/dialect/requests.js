// A request as TGI takes it. Only the values that need it are written anew, and the tools all together, so
// all others keep their spelling; null in place of a value is for TGI as if it were not there.
import formats from './formats.js';
import json from './json.js';
import numbers from './numbers.js';
import options from './options.js';
import refusal from './refusal.js';
import schemas from './schemas.js';
import values from './values.js';

const CHAT = '/v1/chat/completions';
const BRACE = 123, BRACKET = 91, BRACKET_END = 93, QUOTE = 34;
const LONGEST_STOP = 1000;

function stop(body) {
    const part = json.named(body.parts, 'stop'), read = body.read;
    if (values.starts(body, part, QUOTE)) {
        body.plan.stop = [JSON.parse(json.raw(read, part))];
        values.put(body, part, '[' + json.raw(read, part) + ']');
    } else if (values.starts(body, part, BRACKET)) {
        const texts = json.parts(read, part.from).filter(one => read.bytes[one.from] === QUOTE);
        if (texts.length > 0) {
            body.plan.stop = texts.map(one => JSON.parse(json.raw(read, one)));
        }
    }
    (body.plan.stop || []).forEach(text => {
        if (text === '' || text.length > LONGEST_STOP) {
            throw refusal('stop', 'invalid_value', 'A stop must have between 1 and ' + LONGEST_STOP + ' characters: ' +
                (text === '' ? 'leave the empty one out.' : 'write a shorter one.'));
        }
    });
}

// All tools at once, as njs itself reads JSON, which takes a fifth of the time of reading by places.
// undefined where that cannot be: too long, too deep, no JSON, or refused, as a tool that needs no change may be.
function together(text, budget) {
    try {
        const list = text.length > schemas.MOST_TEXT ? undefined : numbers.read(text);
        if (list === undefined) {
            return undefined;
        }
        let changed = false;
        list.forEach(one => {
            const made = one === null ? null : one.function;
            if (!schemas.isObject(made)) {
                return;
            }
            const key = made.parameters !== undefined ? 'parameters' : 'arguments';
            const schema = schemas.translated(made[key], 'tools', '', budget);
            if (schema !== null) {
                made[key] = schema;
                changed = true;
            }
        });
        return changed ? numbers.write(list) : null;
    } catch (e) {
        return undefined;
    }
}

// The schema of one tool; TGI takes "arguments" for "parameters"
function tool(body, part, budget) {
    const read = body.read;
    const made = json.named(read.bytes[part.from] === BRACE ? json.parts(read, part.from) : [], 'function');
    const inner = values.starts(body, made, BRACE) ? json.parts(read, made.from) : [];
    const parameters = json.named(inner, 'parameters') || json.named(inner, 'arguments'), name = json.named(inner, 'name');
    if (!values.starts(body, parameters, BRACE)) {
        return;
    }
    const written = json.raw(read, parameters);
    const text = schemas.needed(written)
        ? schemas.translate(written, 'tools', 'The schema of tool ' + (name === null ? '' : json.raw(read, name)), budget) : null;
    if (text !== null) {
        values.put(body, parameters, text);
    }
}

// Calls that the engine would tear are asked for whole; replay() makes a stream of the answer
function whole(body, live) {
    const stream = json.named(body.parts, 'stream'), more = json.named(body.parts, 'stream_options');
    if (live || values.raw(body, 'stream') !== 'true' || values.raw(body, 'tool_choice') === '"none"') {
        return;
    }
    body.plan.replay = true;
    values.put(body, stream, 'false');
    if (more !== null) {
        const usage = values.starts(body, more, BRACE) ? json.named(json.parts(body.read, more.from), 'include_usage') : null;
        if (usage !== null && json.raw(body.read, usage) === 'true') {
            body.plan.usage = true;
        }
        // TGI takes no null here
        values.put(body, more, '{"include_usage":false}');
    }
}

function tools(body, budget, live) {
    const part = json.named(body.parts, 'tools');
    if (!values.starts(body, part, BRACKET)) {
        return;
    }
    if (body.read.bytes[json.behindSpace(body.read, part.from + 1)] === BRACKET_END) {
        // TGI would put its prompt for tools in
        values.put(body, part, 'null');
        return;
    }
    if (body.format) {
        throw refusal('response_format', 'unsupported_parameter', 'The engine cannot hold an answer to response_format and offer tools in one ' +
            'request: leave one of them out.');
    }
    const text = json.raw(body.read, part);
    if (schemas.needed(text)) {
        const made = together(text, {schemas: budget.schemas, text: budget.text});
        if (made === undefined) {
            json.parts(body.read, part.from).forEach(one => tool(body, one, budget));
        } else if (made !== null) {
            values.put(body, part, made);
        }
    }
    body.plan.tools = true;
    whole(body, live);
}

function responseFormat(body, budget) {
    const part = json.named(body.parts, 'response_format');
    if (!values.starts(body, part, BRACE)) {
        return;
    }
    const text = formats.translate(body.read, part, budget);
    body.format = text !== 'null';
    if (text !== null) {
        values.put(body, part, text);
    }
}

function chat(body, live) {
    const budget = schemas.work();
    options.one(body, 'n', 'ask several times.');
    options.unknown(body, 'functions', 'The engine has no functions: write them as tools.');
    options.unknown(body, 'function_call', 'The engine has no function_call: write tools and tool_choice.');
    options.presencePenalty(body);
    responseFormat(body, budget);
    tools(body, budget, live);
    if (!body.plan.replay) {
        options.orNull(body, 'stream_options', '{"include_usage":false}');
    }
}

function completions(body) {
    options.one(body, 'n', 'ask several times, or write several prompts.');
    options.one(body, 'best_of', 'leave it out.');
    options.unknown(body, 'echo', 'The engine cannot repeat the prompt: leave echo out.');
    options.unknown(body, 'logprobs', 'The engine has no log-probabilities here: leave logprobs out, or ask /v1/chat/completions.');
}

function translate(route, given, asked) {
    const read = json.reader(typeof given === 'string' ? Buffer.from(given) : given);
    const body = {read: read, edits: [], plan: {route: route}, parts: json.parts(read, json.behindSpace(read, 0)), format: false};
    if (!values.starts(body, {from: json.behindSpace(read, 0)}, BRACE)) {
        return {text: null, plan: {route: route}};
    }
    stop(body);
    options.logitBias(body);
    options.topP(body);
    options.orNull(body, 'stream', 'false');
    if (route === CHAT) {
        chat(body, asked !== undefined && asked.live === true);
    } else {
        completions(body);
    }
    return {text: body.edits.length === 0 ? null : json.edited(read, body.edits), plan: body.plan};
}

// {text, plan}: text is null where nothing changes; or {refused: {message, param, code}}
function request(route, given, asked) {
    try {
        return translate(route, given, asked);
    } catch (e) {
        if (e.refused) {
            return {refused: e.refused};
        }
        if (e.name === 'Excess') {
            return {refused: {message: 'The request is not read, as ' + e.message + ': make it smaller.', param: null, code: 'request_too_complex'}};
        }
        if (e.name === 'SyntaxError') {
            // The engine says what is wrong with it
            return {text: null, plan: {route: route}};
        }
        throw e;
    }
}

export default request;
