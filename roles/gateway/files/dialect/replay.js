// A whole answer as the stream that OpenAI would have sent.
import answers from './answers.js';
import json from './json.js';

const BRACE = 123, BRACKET = 91, QUOTE = 34;
// The engine's answer, which may have many escapes in a call's arguments
const STEPS = 10000000;

function object(read, part) {
    return part !== null && read.bytes[part.from] === BRACE ? json.parts(read, part.from) : [];
}

function value(read, list, key, missing) {
    const part = json.named(list, key);
    return part === null ? missing : json.raw(read, part);
}

// Head and end of each piece, with the answer's own id, time and model
function frame(read, whole, usage) {
    const head = ['id', 'created', 'model', 'system_fingerprint'].filter(key => json.named(whole, key) !== null)
        .map(key => '"' + key + '":' + value(read, whole, key, ''));
    const start = 'data: {"object":"chat.completion.chunk",' + head.join(',') + ',"choices":';
    return {
        piece: (delta, logprobs, reason) => start + '[{"index":0,"delta":' + delta + ',"logprobs":' + logprobs +
            ',"finish_reason":' + reason + '}]' + (usage ? ',"usage":null' : '') + '}\n\n',
        usage: text => start + '[],"usage":' + text + '}\n\n',
    };
}

function calls(read, part, pieces) {
    let out = '';
    json.parts(read, part.from).forEach((one, number) => {
        const call = object(read, one), made = object(read, json.named(call, 'function'));
        const given = json.named(made, 'arguments');
        const text = given === null ? '""' : json.raw(read, given);
        const quoted = given === null || read.bytes[given.from] === QUOTE ? text : JSON.stringify(text);
        const start = '{"tool_calls":[{"index":' + number + ',';
        out += pieces.piece(start + '"id":' + value(read, call, 'id', '""') + ',"type":"function","function":{"name":' +
            value(read, made, 'name', '""') + ',"arguments":""}}]}', 'null', 'null');
        out += pieces.piece(start + '"function":{"arguments":' + quoted + '}}]}', 'null', 'null');
    });
    return out;
}

function replay(text, plan, fresh) {
    const read = json.reader(Buffer.from(answers.answer(text, plan, fresh)), STEPS);
    const whole = json.parts(read, json.behindSpace(read, 0)), pieces = frame(read, whole, plan.usage === true);
    const choice = object(read, json.parts(read, json.named(whole, 'choices').from)[0]), message = object(read, json.named(choice, 'message'));
    const content = value(read, message, 'content', 'null'), called = json.named(message, 'tool_calls');
    let out = pieces.piece('{"role":"assistant","content":' + (content === 'null' ? 'null' : '""') + '}', 'null', 'null');
    if (content !== 'null' && content !== '""') {
        out += pieces.piece('{"content":' + content + '}', value(read, choice, 'logprobs', 'null'), 'null');
    }
    if (called !== null && read.bytes[called.from] === BRACKET) {
        out += calls(read, called, pieces);
    }
    out += pieces.piece('{}', 'null', value(read, choice, 'finish_reason', '"stop"'));
    if (plan.usage) {
        out += pieces.usage(value(read, whole, 'usage', 'null'));
    }
    return out + 'data: [DONE]\n\n';
}

export default replay;
