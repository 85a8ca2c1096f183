// The model and the keys of a body, without parsing it. Plain njs as of 0.7.9.

const QUOTE = 34, COMMA = 44, COLON = 58, BACKSLASH = 92, LETTER_M = 109;
const BRACKET = 91, BRACKET_END = 93, BRACE = 123, BRACE_END = 125;
// What has a meaning outside of strings: at any depth, and at the top besides
const DEEP = [QUOTE, BRACKET, BRACKET_END, BRACE, BRACE_END];
const TOP = [QUOTE, BRACKET, BRACKET_END, BRACE, BRACE_END, COMMA, COLON];
// So many bytes are looked at one by one before a search skips the others that mean nothing
const NEAR = 8;
const DEEPEST = 1000;
// A worker serves no other client meanwhile; this takes it 10 to 50 ms
const MOST_WORK = 280000;
const LONGEST_NAME = 4096;
// Keys with all their letters escaped: "model" has 32 characters, "max_completion_tokens" 128
const LONGEST_MODEL = 32;
const LONGEST_KEY = 128;

// The next place from `at` on where a mark stands; `known` has the last one found of each.
function nearest(bytes, marks, known, at) {
    let found = bytes.length;
    for (let i = 0; i < marks.length; i++) {
        if (known[i] < at) {
            const place = bytes.indexOf(marks[i], at);
            known[i] = place < 0 ? bytes.length : place;
        }
        if (known[i] < found) {
            found = known[i];
        }
    }
    return found;
}

// How a letter of a key may be escaped, which who writes JSON has no reason to do
const HIDDEN = ['\\u005', '\\u006', '\\u007'];

// Whether one of some keys can stand from here on, in escapes or not. In a text its quotes have escapes.
function mayFollow(bytes, at, keys) {
    return HIDDEN.some(start => bytes.indexOf(start, at) >= 0)
        || keys.some(key => bytes.indexOf('"' + key + '"', at) >= 0);
}

// A text, null, or false for any other value. What is longer than a name is not read.
function valueOf(bytes, from, to) {
    if (from < 0) {
        return undefined;
    }
    const text = bytes.slice(from, Math.min(to, from + LONGEST_NAME)).toString().trim();
    if (text[0] !== '"') {
        return text === 'null' ? null : false;
    }
    return to - from > LONGEST_NAME ? '' : JSON.parse(text);
}

// The key between two quotes: any, or only "model", which begins with its letter or an escape.
function keyOf(bytes, from, to, any) {
    const first = bytes[from + 1];
    if (!any && first !== LETTER_M && first !== BACKSLASH) {
        return '';
    }
    const text = bytes.slice(from, to + 1).toString();
    return text.indexOf('\\') < 0 ? text.slice(1, -1) : JSON.parse(text);
}

// {model, keys, end}: the value of the last top-level "model" (undefined: there is none), where the value of
// each top-level key begins if `any` is set, and where the search ended. The body is a stranger's to nginx, so nothing is
// parsed but keys and names, and the work is bounded: njs's own parser takes a hundred times a body's
// size, keeps it until the answer ends, and stops at 31 levels. Who does not look for the model
// (`named`) may go on with the keys that were found until the work was too much.
function scan(bytes, any, named) {
    const length = bytes.length, known = [-1, -1, -1, -1, -1, -1, -1], keys = {};
    const longest = any ? LONGEST_KEY : LONGEST_MODEL;
    let depth = 0, value = -1, from = -1, to = -1, work = 0, plain = 0, at = 0, open = -1, close = -1;
    while (at < length) {
        work += 4;
        if (work > MOST_WORK) {
            if (!named && (from < 0 || value >= 0 || mayFollow(bytes, at, ['model']))) {
                throw new SyntaxError('too many parts');
            }
            break;
        }
        const byte = bytes[at];
        if (byte === QUOTE) {
            // A string ends at the next quote that no backslash disarms
            let end = at, before;
            do {
                end = bytes.indexOf(QUOTE, end + 1);
                if (end < 0) {
                    throw new SyntaxError('a string has no end');
                }
                before = end - 1;
                while (bytes[before] === BACKSLASH && work <= MOST_WORK) {
                    before -= 1;
                    work += 1;
                }
                work += 2;
            } while ((end - before) % 2 === 0 && work <= MOST_WORK);
            if (depth === 1) {
                open = end - at < longest ? at : -1;
                close = end;
            }
            at = end;
        } else if (byte === BRACKET || byte === BRACE) {
            depth += 1;
            if (depth > DEEPEST) {
                throw new SyntaxError('nested too deeply');
            }
        } else if (byte === COMMA || byte === BRACKET_END || byte === BRACE_END) {
            if (depth === 1) {
                if (value >= 0) {
                    from = value;
                    to = at;
                }
                open = -1;
                value = -1;
            }
            depth -= byte === COMMA ? 0 : 1;
        } else if (depth === 1 && byte === COLON) {
            if (open >= 0 && value < 0) {
                const key = keyOf(bytes, open, close, any);
                work += 20;
                if (key === 'model') {
                    value = at + 1;
                }
                if (any) {
                    keys[key] = at + 1;
                }
            }
            open = -1;
        } else if (plain === NEAR) {
            at = nearest(bytes, depth === 1 ? TOP : DEEP, known, at) - 1;
            plain = 0;
            work += 16;
        } else {
            plain += 1;
        }
        at += 1;
    }
    if (at >= length && depth !== 0) {
        throw new SyntaxError('brackets do not match');
    }
    return {model: valueOf(bytes, from, to), keys: keys, end: at};
}

export default {scan, mayFollow};
