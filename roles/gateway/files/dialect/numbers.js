// Numbers that JavaScript cannot keep (1.0, 1e400, 12345678901234567890) travel through JSON.parse as
// marked texts, so that a rewritten schema has them as they were written.

const MARK = '\u0000number ';
const MARKED = /"\\u0000number ([-+.\deE]+)"/g;
const RISKY = /\d[.eE]|\d{16}|-0/;
const NUMBER = /^[-+.\deE]+$/;
// What may stand in front of a number; njs 0.8 cannot read a pattern with a bracket before the last one
const BEFORE = /[[\s:,]/;

// Every risky number outside of strings gets a mark
function marked(text) {
    let out = '', at = 0, start = -1;
    while (at < text.length) {
        const char = text.charAt(at);
        if (char === '"') {
            const from = at;
            do {
                at = text.indexOf('"', at + 1);
                if (at < 0) {
                    throw new SyntaxError('a string has no end');
                }
                start = at - 1;
                while (text.charAt(start) === '\\') {
                    start -= 1;
                }
            } while ((at - start) % 2 === 0);
            out += text.slice(from, at + 1);
            at += 1;
        } else if ((char === '-' || (char >= '0' && char <= '9')) && BEFORE.test(text.charAt(at - 1))) {
            const from = at;
            while (at < text.length && NUMBER.test(text.charAt(at))) {
                at += 1;
            }
            const number = text.slice(from, at);
            out += RISKY.test(number) && Number(number) === Number(number) ? '"\\u0000number ' + number + '"' : number;
        } else {
            out += char;
            at += 1;
        }
    }
    return out;
}

// A value of which nothing is lost; undefined where the text has what no honest client sends
function read(text) {
    if (!RISKY.test(text)) {
        return JSON.parse(text);
    }
    return text.indexOf('\\u0000') < 0 ? JSON.parse(marked(text)) : undefined;
}

function write(value) {
    const text = JSON.stringify(value);
    return text.indexOf('\\u0000number ') < 0 ? text : text.replace(MARKED, '$1');
}

// The number that a value stands for, or null
function number(value) {
    if (typeof value === 'number') {
        return value;
    }
    return typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : null;
}

export default {read, write, number};
