// A list of types, ["string", "null"], in words that TGI knows: anyOf with a branch for each.
import numbers from './numbers.js';

// Keywords that say nothing about values of other types
const STRING = ['minLength', 'maxLength', 'pattern', 'contentEncoding', 'contentMediaType', 'contentSchema'];
const NUMBER = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];
const ARRAY = ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains', 'minContains', 'maxContains',
    'minItems', 'maxItems', 'uniqueItems'];
const OBJECT = ['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties', 'propertyNames', 'required',
    'minProperties', 'maxProperties', 'dependentRequired', 'dependentSchemas', 'dependencies'];
const KEYWORDS = {string: STRING, number: NUMBER, integer: NUMBER, array: ARRAY, object: OBJECT};
// TGI looks at the first of these and at no type beside them
const BEFORE_TYPE = ['allOf', 'anyOf', 'oneOf'];
// Assertions about values of any type
const SHARED = ['not', 'if', 'then', 'else', 'format'];

function isA(value, type) {
    const number = numbers.number(value);
    if (number !== null) {
        return type === 'number' || (type === 'integer' && number % 1 === 0);
    }
    if (value === null) {
        return type === 'null';
    }
    return type === (Array.isArray(value) ? 'array' : typeof value);
}

function without(node, names, name) {
    const left = {};
    names.forEach(one => {
        if (one !== name) {
            left[one] = node[one];
        }
    });
    return left;
}

// Only what a type allows of listed values; they say the type by themselves
function chosen(node, names, list) {
    const left = without(node, names, 'type');
    const fits = value => list.some(type => isA(value, type));
    if (left.enum !== undefined) {
        left.enum = node.enum.filter(fits);
    }
    if (left.enum === undefined ? !fits(left.const) : left.enum.length === 0) {
        return {problem: 'has a list of types that none of its values has: correct "type".'};
    }
    return {node: left};
}

// null: no change; {problem}: words; {node}: another node, whose parts are as they were
function split(node, names) {
    const list = node.type;
    if (!Array.isArray(list) || list.length === 0 || list.some(type => typeof type !== 'string')) {
        return null;
    }
    if (list.length === 1) {
        const single = without(node, names, '');
        single.type = list[0];
        return {node: single};
    }
    if (BEFORE_TYPE.some(name => names.indexOf(name) >= 0)) {
        return null;
    }
    if (Array.isArray(node.enum) || (node.enum === undefined && names.indexOf('const') >= 0)) {
        return chosen(node, names, list);
    }
    const left = {}, special = [].concat(STRING, NUMBER, ARRAY, OBJECT, SHARED, ['type']);
    names.forEach(name => {
        if (special.indexOf(name) < 0) {
            left[name] = node[name];
        }
    });
    left.anyOf = list.filter((type, i) => list.indexOf(type) === i).map(type => {
        const mine = (KEYWORDS[type] || []).concat(SHARED), branch = {type: type};
        names.forEach(name => {
            if (mine.indexOf(name) >= 0) {
                branch[name] = node[name];
            }
        });
        return branch;
    });
    return {node: left};
}

export default {split};
