// The values of a request's body, by key, and what is to stand in their places.
import json from './json.js';

function raw(body, key) {
    const part = json.named(body.parts, key);
    return part === null ? 'null' : json.raw(body.read, part);
}

function starts(body, part, mark) {
    return part !== null && body.read.bytes[part.from] === mark;
}

function put(body, part, text) {
    body.edits.push({from: part.from, to: part.to, text: text});
}

export default {raw, starts, put};
