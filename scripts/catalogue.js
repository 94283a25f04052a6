'use strict';
// What is generated from the default catalogue and kept in the repository.
const fs = require('node:fs');
const path = require('node:path');
const { docsOf } = require('../js/schema/docs');
const { readModel } = require('../js/schema/model');
const { typesOf } = require('../js/schema/types');

const SCHEMA = 'schema/default.json';

/** File, relative to the root, and what it should hold. @returns {[string, string][]} */
function catalogueFiles() {
  const model = readModel(fs.readFileSync(path.join(__dirname, '..', SCHEMA), 'utf8'), SCHEMA);
  return [['js/types/catalogue.d.ts', typesOf(model)], ['docs/TELEMETRY.md', docsOf(model)]];
}

module.exports = { catalogueFiles };
