// JSON Schema as TGI can follow it: the definition in place of each reference, a list of types as
// anyOf. What it accepts stays the same; what cannot be said to TGI is refused.
import keywords from './keywords.js';
import numbers from './numbers.js';
import refusal from './refusal.js';
import types from './types.js';

// Bounds of one request, all its schemas together: a definition that is named often grows quickly
const MOST_SCHEMAS = 4000;
const MOST_TEXT = 131072;
// njs writes and reads no more levels, and has no room for functions that call themselves so often
const DEEPEST = 31;
// So many references may stand within each other
const MOST_OPEN = 100;
const NEEDS = /\$(?:ref|dynamicRef|recursiveRef)"|\\u00|"type"\s*:\s*\[/;
const OLD_DRAFT = /draft-0[3-7]/;

function own(object, name) {
    return Object.prototype.hasOwnProperty.call(object, name);
}

function isObject(value) {
    return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function work() {
    return {schemas: MOST_SCHEMAS, text: MOST_TEXT};
}

function refuse(at, words) {
    throw refusal(at.param, 'unsupported_schema', at.name + ' ' + words);
}

function find(at, ref) {
    let value = at.root;
    if (ref.charAt(0) !== '#' || (ref.length > 1 && ref.charAt(1) !== '/')) {
        refuse(at, 'refers to ' + JSON.stringify(ref) + ', which is not in it: write references as "#/$defs/NAME".');
    }
    ref.split('/').slice(1).forEach(step => {
        let name = step;
        try {
            name = decodeURIComponent(step);
        } catch (e) {
            // Not encoded, then
        }
        name = name.replace(/~1/g, '/').replace(/~0/g, '~');
        if (value === null || typeof value !== 'object' || !own(value, name)) {
            refuse(at, 'refers to ' + JSON.stringify(ref) + ', which it does not define: add it below "$defs".');
        }
        value = value[name];
    });
    return value;
}

// An object's names. One name alone would set another prototype when it is copied, and vanish
function namesOf(at, node) {
    const names = Object.keys(node);
    if (names.indexOf('__proto__') >= 0) {
        refuse(at, 'has the name "__proto__": write another name.');
    }
    return names;
}

// The definition with what stands beside its reference: `node` without the reference
function besides(at, target, node) {
    const made = {}, beside = namesOf(at, node).filter(name => name !== '$ref' && keywords.DEFINITIONS.indexOf(name) < 0);
    // Drafts up to 7 say that what stands beside a reference does not count
    const counting = beside.filter(name => !at.old || keywords.NOTES.indexOf(name) >= 0);
    namesOf(at, target).forEach(name => {
        if (keywords.DEFINITIONS.indexOf(name) < 0 && counting.indexOf(name) < 0) {
            made[name] = target[name];
        }
    });
    counting.forEach(name => {
        if (keywords.NOTES.indexOf(name) < 0 && (own(target, name) || keywords.ENTANGLED.indexOf(name) >= 0)) {
            refuse(at, 'has ' + JSON.stringify(name) + ' beside a "$ref", which the engine cannot hold together: write both in one object.');
        }
        made[name] = node[name];
    });
    return made;
}

// An object without its reference; `task.open` lists the references that it stands within
function referred(at, task) {
    let node = task.node;
    while (typeof node.$ref === 'string') {
        const ref = node.$ref;
        for (let open = task.open; open !== null; open = open.next) {
            if (open.ref === ref) {
                refuse(at, 'refers to itself at ' + JSON.stringify(ref) + ', which the engine cannot follow: ' +
                    'write out as many levels as you need, or ask for that part as a string.');
            }
        }
        const target = find(at, ref);
        if (!isObject(target)) {
            refuse(at, 'refers to ' + JSON.stringify(ref) + ', which is no object: name an object there.');
        }
        spend(at);
        at.changed = true;
        if (task.open.size === MOST_OPEN) {
            refuse(at, 'has references within references, more than ' + MOST_OPEN + ' of them: make it flatter.');
        }
        task.open = {ref: ref, next: task.open, size: task.open.size + 1};
        node = besides(at, target, node);
    }
    return node;
}

// One schema fewer of those that a request may have
function spend(at) {
    at.work.schemas -= 1;
    if (at.work.schemas < 0) {
        refuse(at, 'has more than ' + MOST_SCHEMAS + ' parts with its references written out: make it smaller.');
    }
}

function tooLong(at) {
    refuse(at, 'has more than ' + MOST_TEXT + ' characters with its references written out: make it smaller.');
}

function weigh(at, name, value) {
    at.work.text -= name.length + 4;
    if (typeof value === 'string') {
        at.work.text -= value.length;
    } else if (value !== null && typeof value === 'object') {
        at.work.text -= numbers.write(value).length;
    }
    if (at.work.text < 0) {
        tooLong(at);
    }
}

// A schema's object as the engine can follow it; the schemas in it are as they were
function shallow(at, task) {
    const node = referred(at, task);
    if (own(node, '$dynamicRef') || own(node, '$recursiveRef')) {
        refuse(at, 'has a "$dynamicRef" or "$recursiveRef", which the engine cannot follow: write "$ref".');
    }
    at.bases += task.depth > 1 && (own(node, '$id') || typeof node.id === 'string') ? 1 : 0;
    const names = namesOf(at, node).filter(name => keywords.DEFINITIONS.indexOf(name) < 0);
    const split = types.split(node, names);
    if (split === null) {
        return node;
    }
    at.changed = true;
    if (split.problem) {
        refuse(at, split.problem);
    }
    return split.node;
}

// Whether an object can stay as it is: most have words and numbers only. A loop over names costs njs
// a tenth of what the long way costs.
function plain(at, node) {
    let size = 0;
    for (const name in node) {
        const value = node[name], kind = typeof value;
        if ((kind === 'object' && value !== null) || name.charAt(0) === '$' || name === 'id') {
            return false;
        }
        size += name.length + 4 + (kind === 'string' ? value.length : 0);
    }
    at.work.text -= size;
    if (at.work.text < 0) {
        tooLong(at);
    }
    return true;
}

// Translates one schema, and adds those in it to the tasks
function step(at, task, tasks) {
    if (task.depth > DEEPEST) {
        refuse(at, 'is nested more than ' + DEEPEST + ' deep with its references written out: make it flatter.');
    }
    spend(at);
    if (!isObject(task.node) || plain(at, task.node)) {
        task.into[task.key] = task.node;
        return;
    }
    const node = shallow(at, task), made = {};
    task.into[task.key] = made;
    Object.keys(node).forEach(name => {
        const value = node[name], kind = own(keywords.HOLDS, name) ? keywords.HOLDS[name] : 0, list = Array.isArray(value);
        if (keywords.DEFINITIONS.indexOf(name) >= 0) {
            return;
        }
        if (kind === keywords.ONE && !list) {
            made[name] = null;
            tasks.push({node: value, into: made, key: name, depth: task.depth + 1, open: task.open});
        } else if ((list && (kind === keywords.LIST || name === 'items')) || (kind === keywords.NAMED && isObject(value))) {
            const inner = list ? [] : {};
            made[name] = inner;
            namesOf(at, value).forEach(key => {
                // Most of them can stay, and need no turn of their own
                if (task.depth + 2 <= DEEPEST && isObject(value[key]) && plain(at, value[key])) {
                    spend(at);
                    inner[key] = value[key];
                } else {
                    inner[key] = null;
                    tasks.push({node: value[key], into: inner, key: key, depth: task.depth + 2, open: task.open});
                }
            });
        } else {
            made[name] = value;
            weigh(at, name, value);
        }
    });
}

// Whether a text may have what needs a change: a reference, a list of types, or escapes that may hide one
function needed(text) {
    return NEEDS.test(text);
}

function begin(root, param, name, budget) {
    return {root: root, param: param, name: name, work: budget, changed: false, bases: 0, old: false};
}

// A schema that was read by numbers.read(), translated; null where nothing needs a change
function translated(root, param, name, budget) {
    const at = begin(root, param, name, budget);
    if (!isObject(at.root)) {
        return null;
    }
    at.old = typeof at.root.$schema === 'string' && OLD_DRAFT.test(at.root.$schema);
    const holder = {}, tasks = [{node: at.root, into: holder, key: 'made', depth: 1, open: {ref: '#', next: null, size: 0}}];
    while (tasks.length > 0) {
        step(at, tasks.pop(), tasks);
    }
    if (!at.changed) {
        return null;
    }
    if (at.bases > 0) {
        refuse(at, 'has an "$id" inside, which references cannot be resolved with: leave the inner "$id" out.');
    }
    return holder.made;
}

// The schema in a text, translated; null where nothing needs a change. `name` begins the refusals.
function translate(text, param, name, budget) {
    const at = begin(null, param, name, budget);
    if (text.length > MOST_TEXT) {
        refuse(at, 'has more than ' + MOST_TEXT + ' characters: make it smaller.');
    }
    try {
        at.root = numbers.read(text);
    } catch (e) {
        refuse(at, 'is no JSON, or nested more than 30 deep: make it flatter.');
    }
    const made = translated(at.root, param, name, budget);
    try {
        return made === null ? null : numbers.write(made);
    } catch (e) {
        throw refuse(at, 'is nested more than ' + DEEPEST + ' deep with its references written out: make it flatter.');
    }
}

export default {translate, translated, needed, work, isObject, MOST_TEXT};
