'use strict';

/**
 * What one check has to say.
 * @typedef {object} Finding
 * @property {string} check
 * @property {'ok' | 'warn' | 'fail' | 'skip'} level
 * @property {string} text  a sentence
 * @property {string} [todo]  what to do about it
 */

/** @param {string} check @param {string} text @returns {Finding} */
const ok = (check, text) => ({ check, level: 'ok', text });
/** @param {string} check @param {string} text @returns {Finding} */
const skip = (check, text) => ({ check, level: 'skip', text });
/** @param {string} check @param {string} text @param {string} [todo] @returns {Finding} */
const warn = (check, text, todo) => ({ check, level: 'warn', text, todo });
/** @param {string} check @param {string} text @param {string} [todo] @returns {Finding} */
const fail = (check, text, todo) => ({ check, level: 'fail', text, todo });

/** A foreign text as the end of a sentence. @param {unknown} text */
const stop = (text) => String(text).replace(/\.?\s*$/, '.');

module.exports = { stop, ok, skip, warn, fail };
