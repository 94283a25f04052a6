'use strict';
// npm run test:vscode: the sample extension in a real VS Code (code-server), with Chromium in front of it.
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { missing } = require('./support/parts');

const why = missing();

if (why !== undefined) {
  test('the sample in a real VS Code', { skip: process.env.REQUIRE_VSCODE === '1' ? false : `test:vscode: ${why}` }, () => assert.fail(why));
} else {
  const { start, stop } = require('./support/session');
  const { workspace } = require('./support/workspace');
  const { sampleTests } = require('./sample');
  const { windowTests } = require('./windows');
  before(() => start(workspace), { timeout: 900_000 });
  after(stop, { timeout: 120_000 });
  sampleTests();
  windowTests();
}
