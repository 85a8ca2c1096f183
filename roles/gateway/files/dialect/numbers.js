// Numbers that JavaScript cannot keep (1.0, 1e400, 12345678901234567890) travel through JSON.parse as
// marked texts, so that a rewritten schema has them as they were written.
import texts from './texts.js';

const MARK = '\u0000number ';
const WRITTEN = '"\\u0000number ';
const RISKY = /\d[.eE]|\d{16}|-0/;
const NUMBER = /-?\d[-+.\deE]*/;

function mark(part) {
    return part.replace(NUMBER, number => RISKY.test(number) ? '"\\u0000number ' + number + '"' : number);
}

// Every risky number gets a mark; between two texts there is at most one between commas
function marked(text) {
    const out = [];
    let at = 0;
    while (at < text.length) {
        const from = text.indexOf('"', at), gap = from < 0 ? text.slice(at) : text.slice(at, from);
        out.push(gap.split(',').map(mark).join(','));
        if (from < 0) {
            break;
        }
        at = texts.behind(text, from);
        out.push(text.slice(from, at));
    }
    return out.join('');
}

// A value of which nothing is lost; undefined where the text has what no honest client sends
function read(text) {
    if (!RISKY.test(text)) {
        return JSON.parse(text);
    }
    return text.indexOf('\\u0000') < 0 ? JSON.parse(marked(text)) : undefined;
}

// Each part after a mark begins with a number and a quote; a pattern would read all the text for each
function write(value) {
    const parts = JSON.stringify(value).split(WRITTEN);
    return parts.map((part, i) => (i === 0 ? part : part.replace('"', ''))).join('');
}

// The number that a value stands for, or null
function number(value) {
    if (typeof value === 'number') {
        return value;
    }
    return typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : null;
}

export default {read, write, number};
