'use strict';
// The fields around every payload, as native/contract/envelope.h writes them.

/**
 * @typedef {object} EnvelopeField
 * @property {string} name
 * @property {string} words  what it is
 * @property {string} protection
 * @property {string} classification  in VS Code's words
 */

/** @type {EnvelopeField[]} */
const ENVELOPE = [
  { name: 'event_id', words: 'The id of this event', protection: 'Made of the time and chance', classification: 'SystemMetaData' },
  { name: 'event_type', words: 'The name of the event, one of those below', protection: 'No other name is recorded', classification: 'SystemMetaData' },
  { name: 'timestamp', words: 'When it happened', protection: 'UTC, without the time zone', classification: 'SystemMetaData' },
  { name: 'session_id', words: 'The run of the app', protection: 'Made of the time and chance, new with every start', classification: 'EndUserPseudonymizedInformation' },
  { name: 'user_id', words: 'The id that the app gives for the person, or an anonymous one', protection: 'Hashed on the machine when it is not opaque', classification: 'EndUserPseudonymizedInformation' },
  { name: 'machine_id', words: 'A code that stands for this machine', protection: 'Hashed on the machine; the machine\'s own id never leaves it', classification: 'EndUserPseudonymizedInformation' },
  { name: 'app', words: 'The name of the app', protection: 'Set by the app', classification: 'SystemMetaData' },
  { name: 'app_version', words: 'The version of the app', protection: 'Set by the app', classification: 'SystemMetaData' },
  { name: 'platform', words: 'The operating system', protection: 'Its name only', classification: 'SystemMetaData' },
  { name: 'correlation_id', words: 'Ties events of one task together; optional', protection: 'A technical id; anything that looks like more is left out', classification: 'SystemMetaData' },
];

module.exports = { ENVELOPE };
