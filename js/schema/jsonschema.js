'use strict';
// JSON Schema (2020-12) of payloads as they are sent and stored, after the sanitiser.

const { element } = require('./kinds');

/** @typedef {import('./model').Model} Model */
/** @typedef {import('./model').Event} Event */
/** @typedef {import('./model').Value} Value */
/** @typedef {Record<string, any>} JsonSchema */

/** @type {Record<string, (value: Value) => JsonSchema>} */
const RULES = {
  bool: () => ({ type: 'boolean' }),
  int: ({ min, max }) => ({ type: 'integer', minimum: min, maximum: max }),
  number: ({ min, max }) => ({ type: 'number', minimum: min, maximum: max }),
  duration: () => ({ type: 'number', minimum: 0, maximum: 1e12 }),
  time: () => ({ type: 'string', format: 'date-time' }),
  enum: ({ values }) => ({ type: 'string', enum: values }),
  bucket: ({ bounds }) => ({ type: 'number', enum: bounds }),
  id: ({ maxLength }) => ({ type: 'string', pattern: '^[A-Za-z0-9._:+-]*$', maxLength }),
  hash: () => ({ type: 'string', pattern: '^[0-9a-f]{32}$' }),
  text: ({ maxLength }) => ({ type: 'string', maxLength }), // bytes: never fewer than characters
  stack: ({ maxLength }) => ({ type: 'string', maxLength }),
  nanos: () => ({ type: 'string', pattern: '^[0-9]{1,20}$' }),
  attrs: ({ attributes = [], maxItems }) => ({
    type: 'object', additionalProperties: false, maxProperties: maxItems, properties: propertiesOf(attributes),
  }),
};

/** @param {Value} value @returns {JsonSchema} */
function ruleOf(value) {
  const of = element(value);
  const rule = Object.hasOwn(RULES, of.kind) ? RULES[of.kind](of) : {};
  return value.kind === 'list' ? { type: 'array', items: rule, maxItems: value.max } : rule;
}

/** @param {import('./model').Field[]} fields */
function propertiesOf(fields) {
  return Object.fromEntries(fields.map((field) => [field.name, {
    ...ruleOf(field), ...(field.note !== undefined && { description: field.note }),
  }]));
}

/**
 * The payload of one event. Content is no part of it: it travels by itself.
 * @param {Event} event
 * @returns {JsonSchema}
 */
function payloadSchema(event) {
  const fields = event.fields.filter((field) => field.kind !== 'content');
  return {
    type: 'object', description: event.purpose, additionalProperties: false,
    properties: propertiesOf(fields),
  };
}

/**
 * Every event's payload under $defs, for an OpenAPI document to refer to.
 * @param {Model} model
 * @returns {string} JSON
 */
function jsonSchemaOf(model) {
  return `${JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `${model.name}, version ${model.version}`,
    $defs: Object.fromEntries(model.events.map((event) => [event.name, payloadSchema(event)])),
  }, null, 2)}\n`;
}

module.exports = { payloadSchema, jsonSchemaOf };
