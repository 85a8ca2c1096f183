// JSON by places in its bytes: what is not changed keeps its spelling, 1.0, 1e400 and all. Bytes, since
// njs takes ten times as long for a character of a text, and checks the whole text for each match of a
// pattern. Reading is bounded and lax: what is no JSON goes on as it is, and the engine refuses it.

const QUOTE = 34, COMMA = 44, COLON = 58, BRACKET = 91, BACKSLASH = 92, BRACKET_END = 93, BRACE = 123, BRACE_END = 125;
const MARKS = [QUOTE, BRACKET, BRACKET_END, BRACE, BRACE_END];
// So many bytes are looked at one by one before a search skips those that mean nothing
const NEAR = 16;
// A worker serves no other client meanwhile; this takes it 10 to 50 ms
const MOST_STEPS = 100000;
const TOO_MANY = 'it has too many parts';

// Thrown where reading costs too much; the name tells it from a syntax error
function excess(words) {
    const error = new Error(words);
    error.name = 'Excess';
    return error;
}

// `steps`: how much may be read; a client's request gets the usual bound
function reader(bytes, steps) {
    return {bytes: bytes, left: steps || MOST_STEPS};
}

function spend(read, steps) {
    read.left -= steps;
    if (read.left < 0) {
        throw excess(TOO_MANY);
    }
}

function behindSpace(read, at) {
    const bytes = read.bytes, from = at, most = read.left;
    while ((bytes[at] === 32 || bytes[at] === 10 || bytes[at] === 13 || bytes[at] === 9) && at - from < most) {
        at += 1;
    }
    spend(read, 1 + at - from);
    return at;
}

// A string ends at the next quote that no backslash disarms
function behindString(read, at) {
    const bytes = read.bytes, most = read.left;
    let quote = at, before, steps = 0;
    if (bytes[at] !== QUOTE) {
        throw new SyntaxError('no string at ' + at);
    }
    do {
        quote = bytes.indexOf(QUOTE, quote + 1);
        if (quote < 0) {
            throw new SyntaxError('a string has no end');
        }
        before = quote - 1;
        while (bytes[before] === BACKSLASH && steps <= most) {
            before -= 1;
            steps += before < quote - 2 ? 1 : 0;
        }
        // Whole conversations in JSON have many, and looking for the next one takes little
        steps += 1;
    } while ((quote - before) % 2 === 0 && steps <= most);
    spend(read, steps + 1);
    return quote + 1;
}

function behindScalar(read, at) {
    const bytes = read.bytes, from = at, most = read.left;
    // Behind the end is undefined, which compares as false
    while (bytes[at] > 32 && bytes[at] !== COMMA && bytes[at] !== BRACKET_END && bytes[at] !== BRACE_END &&
        at - from < most) {
        at += 1;
    }
    if (at === from) {
        throw new SyntaxError('no value at ' + at);
    }
    spend(read, 1 + at - from);
    return at;
}

// The next place from `at` on where a mark stands; `known` has the last one found of each
function nearest(bytes, known, at) {
    let found = bytes.length;
    for (let i = 0; i < MARKS.length; i++) {
        if (known[i] < at) {
            const place = bytes.indexOf(MARKS[i], at);
            known[i] = place < 0 ? bytes.length : place;
        }
        found = Math.min(found, known[i]);
    }
    return found;
}

function behindContainer(read, at) {
    const bytes = read.bytes, known = [-1, -1, -1, -1, -1];
    let depth = 0, plain = 0, left = read.left;
    while (left > 0) {
        const byte = bytes[at];
        left -= 1;
        if (byte === QUOTE) {
            const end = bytes.indexOf(QUOTE, at + 1);
            left -= 2;
            plain = 0;
            if (end > 0 && bytes[end - 1] !== BACKSLASH) {
                at = end + 1;
            } else {
                read.left = left;
                at = behindString(read, at);
                left = read.left;
            }
        } else if (byte === COMMA || byte === COLON) {
            at += 1;
        } else if (byte === BRACE || byte === BRACKET) {
            depth += 1;
            at += 1;
        } else if (byte === BRACE_END || byte === BRACKET_END) {
            depth -= 1;
            at += 1;
            if (depth === 0) {
                read.left = left;
                return at;
            }
        } else if (byte === undefined) {
            throw new SyntaxError('brackets do not match');
        } else if (plain === NEAR) {
            at = nearest(bytes, known, at);
            plain = 0;
            left -= 12;
        } else {
            plain += 1;
            at += 1;
        }
    }
    throw excess(TOO_MANY);
}

function behindValue(read, at) {
    const first = read.bytes[at];
    if (first === BRACE || first === BRACKET) {
        return behindContainer(read, at);
    }
    return first === QUOTE ? behindString(read, at) : behindScalar(read, at);
}

function slice(read, from, to) {
    return read.bytes.slice(from, to).toString();
}

function unquoted(raw) {
    return raw.indexOf('\\') < 0 ? raw.slice(1, -1) : JSON.parse(raw);
}

// Every value of the object or list that begins at `at`, as {key, from, to}; in a list the key is null
function parts(read, at) {
    const bytes = read.bytes, object = bytes[at] === BRACE, last = object ? BRACE_END : BRACKET_END, found = [];
    if (!object && bytes[at] !== BRACKET) {
        throw new SyntaxError('neither object nor list at ' + at);
    }
    at = behindSpace(read, at + 1);
    while (bytes[at] !== last || found.length > 0) {
        let key = null;
        if (object) {
            const end = behindString(read, at);
            key = unquoted(slice(read, at, end));
            at = behindSpace(read, end);
            if (bytes[at] !== COLON) {
                throw new SyntaxError('no colon at ' + at);
            }
            at = behindSpace(read, at + 1);
        }
        const to = behindValue(read, at);
        found.push({key: key, from: at, to: to});
        at = behindSpace(read, to);
        if (bytes[at] === last) {
            break;
        }
        if (bytes[at] !== COMMA) {
            throw new SyntaxError('no comma at ' + at);
        }
        at = behindSpace(read, at + 1);
    }
    return found;
}

// The last member of that name, or null: engines refuse a name that comes twice
function named(list, key) {
    for (let i = list.length - 1; i >= 0; i--) {
        if (list[i].key === key) {
            return list[i];
        }
    }
    return null;
}

function raw(read, part) {
    return slice(read, part.from, part.to);
}

// The text with some places changed: edits are {from, to, text}, none within another
function edited(read, edits) {
    let out = '', at = 0;
    edits.sort((a, b) => a.from - b.from);
    edits.forEach(edit => {
        out += slice(read, at, edit.from) + edit.text;
        at = edit.to;
    });
    return out + slice(read, at, read.bytes.length);
}

export default {excess, reader, behindSpace, parts, named, raw, edited};
