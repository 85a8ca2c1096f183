// What JSON Schema's keywords hold, as the translation needs to know it.

// How the values of a keyword are schemas; those of all others are data and stay as they are
const ONE = 1, LIST = 2, NAMED = 3;
const HOLDS = {
    items: ONE, additionalItems: ONE, unevaluatedItems: ONE, contains: ONE, additionalProperties: ONE, propertyNames: ONE,
    unevaluatedProperties: ONE, not: ONE, if: ONE, then: ONE, else: ONE, contentSchema: ONE,
    allOf: LIST, anyOf: LIST, oneOf: LIST, prefixItems: LIST,
    properties: NAMED, patternProperties: NAMED, dependentSchemas: NAMED, dependencies: NAMED,
};
// Definitions stand in place of their references afterwards
const DEFINITIONS = ['$defs', 'definitions'];
// Words beside a reference that say nothing about what is accepted
const NOTES = ['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment'];
// Keywords that act together with others, so that they cannot move into another object
const ENTANGLED = ['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties', 'items', 'prefixItems',
    'additionalItems', 'unevaluatedItems', 'contains', 'minContains', 'maxContains', 'if', 'then', 'else', 'dependencies'];

export default {ONE, LIST, NAMED, HOLDS, DEFINITIONS, NOTES, ENTANGLED};
