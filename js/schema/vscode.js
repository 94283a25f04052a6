'use strict';
// telemetry.json as VS Code reads it from an extension's folder for `code --telemetry`: every property of
// every event with classification, purpose and comment.

const { TelemetryError } = require('../errors');
const { ENVELOPE } = require('./envelope');
const { element, words } = require('./kinds');

/** @typedef {import('./model').Model} Model */
/** @typedef {import('./model').Event} Event */
/** @typedef {import('./model').Field} Field */
/**
 * @typedef {object} Property
 * @property {string} classification
 * @property {string} purpose
 * @property {string} comment
 * @property {true} [isMeasurement]
 */

const MEASUREMENTS = new Set(['int', 'number', 'duration', 'bucket']);
/** Words that VS Code's file keeps for itself beside the properties of an event. */
const RESERVED = new Set(['owner', 'comment', 'expiration']);

/** @param {Event} event @param {Field} field */
function classification(event, field) {
  const { kind } = element(field);
  const failure = event.level === 'crash' || event.level === 'error';
  if (kind === 'hash') return 'EndUserPseudonymizedInformation';
  if (kind === 'stack' || (kind === 'text' && failure)) return 'CallstackOrException';
  return kind === 'text' || kind === 'content' ? 'CustomerContent' : 'SystemMetaData';
}

/** @param {Event} event @param {Field} field */
function purpose(event, field) {
  const performance = event.level === 'crash' || event.level === 'error' || element(field).kind === 'duration';
  return performance ? 'PerformanceAndHealth' : 'FeatureInsight';
}

/** @param {Event} event @param {Field} field @returns {Property} */
function property(event, field) {
  if (RESERVED.has(field.name)) {
    throw new TelemetryError(
      `event "${event.name}" has a field "${field.name}", a name that VS Code's telemetry.json keeps for itself: rename the field`,
      'ERR_CANDOR_SCHEMA',
    );
  }
  return {
    classification: classification(event, field), purpose: purpose(event, field), comment: field.note ?? words(field),
    ...(MEASUREMENTS.has(field.kind) && { isMeasurement: /** @type {true} */ (true) }),
  };
}

/**
 * @param {Model} model
 * @returns {string} JSON
 */
function vscodeOf(model) {
  const events = Object.fromEntries(model.events.map((event) => [event.name, {
    owner: event.owner, comment: event.purpose,
    ...Object.fromEntries(event.fields.map((field) => [field.name, property(event, field)])),
  }]));
  const commonProperties = Object.fromEntries(ENVELOPE.map((field) => [field.name, {
    classification: field.classification, purpose: 'FeatureInsight', comment: `${field.words}. ${field.protection}`,
  }]));
  return `${JSON.stringify({ events, commonProperties }, null, 2)}\n`;
}

module.exports = { vscodeOf };
