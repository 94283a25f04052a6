'use strict';
// Events whose date of review has passed, with the place in the file that says so.

/** @typedef {import('./model').Model} Model */

/** One token of valid JSON: a string, a bracket, or anything between. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]|[^"{}[\]]+/g;

/**
 * Offset of every key "events" > NAME > "expires" by NAME, in a text that is valid JSON.
 * @param {string} text
 * @returns {Map<string, number>}
 */
function expiryOffsets(text) {
  const found = new Map();
  /** @type {string[]} */
  const open = []; // the key under which each bracket was opened
  let key = '';
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token[0] === '"') {
      if (!/^\s*:/.test(text.slice(index + token.length, index + token.length + 64))) continue;
      key = JSON.parse(token);
      if (open.length === 3 && open[1] === 'events' && key === 'expires') found.set(open[2], index);
    } else if (token === '{' || token === '[') {
      open.push(key);
    } else if (token === '}' || token === ']') {
      open.pop();
    }
  }
  return found;
}

/** @param {string} text @param {number} offset */
function place(text, offset) {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return `${before.split('\n').length}:${offset - start + 1}`;
}

/**
 * @param {Model} model
 * @param {string} text  of the schema file
 * @param {string} origin
 * @param {string} today  YYYY-MM-DD: events of an earlier date have expired
 * @returns {string[]} sentences
 */
function expiredEvents(model, text, origin, today) {
  const expired = model.events.filter((event) => event.expires < today);
  if (expired.length === 0) return [];
  const offsets = expiryOffsets(text);
  return expired.map((event) => `${origin}:${place(text, offsets.get(event.name) ?? 0)}: ` +
    `event "${event.name}" expired on ${event.expires}: review it, then set a later date, or remove it`);
}

module.exports = { expiredEvents };
