// Where a text within JSON ends.

// The place behind the text whose first quote is at `from`: its last quote has no backslash before it
function behind(text, from) {
    let quote = from, before;
    do {
        quote = text.indexOf('"', quote + 1);
        if (quote < 0) {
            throw new SyntaxError('a string has no end');
        }
        before = quote - 1;
        while (text.charAt(before) === '\\') {
            before -= 1;
        }
    } while ((quote - before) % 2 === 0);
    return quote + 1;
}

export default {behind};
