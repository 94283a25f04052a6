'use strict';
// What modules of this package know of a client beyond its public methods.

/**
 * @typedef {object} Internals
 * @property {(type: string) => boolean} hasEvent  the schema has this event type
 * @property {ReadonlySet<string>} attributes  names of the schema's attributes
 * @property {() => string} lastResult  why the last emit was not kept: a name of native's results
 */

/** @type {WeakMap<object, Internals>} */
const known = new WeakMap();

/** A client without a native side: it knows no schema. @type {Internals} */
const NONE = { hasEvent: () => false, attributes: new Set(), lastResult: () => 'disabled' };

/** @param {object} client @param {Internals} internals */
function setInternals(client, internals) {
  known.set(client, internals);
}

/** @param {object} client @returns {Internals} */
function internalsOf(client) {
  return known.get(client) ?? NONE;
}

module.exports = { setInternals, internalsOf };
