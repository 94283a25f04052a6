'use strict';
// Functions and data of macOS's libSystem that a binary may ask for. Each is in macOS 11.0: the stub that the addon is
// linked with is of a newer system, and offers what an older one lacks.

const FUNCTIONS = `
strlen
`.trim().split(/\s+/);

module.exports = { FUNCTIONS };
