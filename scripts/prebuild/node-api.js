'use strict';
// The functions of Node-API, from Node's own lists.

const fs = require('node:fs');

/** @returns {string[]} */
function nodeApi() {
  const { def_paths: lists } = require('node-api-headers');
  const names = Object.values(lists).flatMap((file) => fs.readFileSync(file, 'utf8').split('\n').map((line) => line.trim()));
  return [...new Set(names.filter((name) => /^(napi|node_api)_\w+$/.test(name)))].sort();
}

module.exports = { nodeApi };
