// response_format, from OpenAI's forms to TGI's.
import json from './json.js';
import refusal from './refusal.js';
import schemas from './schemas.js';

// White space as the engine's own grammars have it: one blank at most. Without a bound a model fills its
// budget with blanks.
const BLANK = '[ ]?';
const TEXT = '"([^"\\\\\\x00-\\x1f\\x7f-\\x9f]|\\\\["\\\\/bfnrt])*"';
const NUMBER = '-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?';
const SCALAR = TEXT + '|' + NUMBER + '|true|false|null';

function list(of) {
    return BLANK + '(' + of + BLANK + '(,' + BLANK + of + BLANK + ')*)?';
}

function object(value) {
    return '\\{' + list(TEXT + BLANK + ':' + BLANK + '(' + value + ')') + '\\}';
}

function array(value) {
    return '\\[' + list('(' + value + ')') + '\\]';
}

const PARAM = 'response_format';

// JSON mode: objects whose values are scalars, or lists and objects of scalars. A level more is four times
// as long, and the engine stands still for 8 s when it first compiles it, instead of 2 s.
// Made when it is asked for, as njs runs this file for each request that is rewritten.
function anyObject() {
    return object(SCALAR + '|' + object(SCALAR) + '|' + array(SCALAR));
}

function schemaOf(read, format, budget) {
    const given = json.named(format, 'json_schema');
    const inner = given === null || read.bytes[given.from] !== 123 ? [] : json.parts(read, given.from);
    const name = json.named(inner, 'name'), schema = json.named(inner, 'schema');
    if (schema === null || read.bytes[schema.from] !== 123) {
        throw refusal(PARAM, 'invalid_schema', 'A response_format of type json_schema has no schema: write one as json_schema.schema.');
    }
    const written = json.raw(read, schema);
    const made = schemas.needed(written) ? schemas.translate(written, PARAM, 'The schema of response_format', budget) || written : written;
    if (!hasProperties(made)) {
        throw refusal(PARAM, 'unsupported_schema', 'The schema of response_format has no "properties" at its top, which the engine needs: ' +
            'write an object with properties, and put a list or another value below one of them.');
    }
    const label = name === null || json.raw(read, name) === 'null' ? '"response"' : json.raw(read, name);
    return '{"type":"json_schema","value":{"name":' + label + ',"schema":' + made + '}}';
}

function hasProperties(text) {
    const read = json.reader(Buffer.from(text));
    return json.named(json.parts(read, json.behindSpace(read, 0)), 'properties') !== null;
}

// The text to put in place of the format at `part`; null where it stays
function translate(read, part, budget) {
    const format = json.parts(read, part.from);
    const type = json.named(format, 'type');
    if (type === null || json.named(format, 'value') !== null) {
        // TGI's own form, or an unknown one
        return null;
    }
    const word = json.raw(read, type);
    if (word === '"text"') {
        return 'null';
    }
    if (word === '"json_object"') {
        return '{"type":"regex","value":' + JSON.stringify(anyObject()) + '}';
    }
    return word === '"json_schema"' ? schemaOf(read, format, budget) : null;
}

export default {translate, anyObject};
