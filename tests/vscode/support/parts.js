'use strict';
// What a test in a real VS Code needs, and what of it is missing here.
const fs = require('node:fs');
const path = require('node:path');
const { locate } = require('../../../scripts/vscode-host');

const root = path.join(__dirname, '..', '..', '..');
const TARGET = 'linux-x64';

function chromium() {
  return [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
    .find((file) => file !== undefined && fs.existsSync(file));
}

function playwright() {
  try {
    return require('../../ui/node_modules/playwright-core');
  } catch {
    return undefined;
  }
}

/** @returns {string | undefined} the first part that is missing, and how to get it */
function missing() {
  const setup = 'sh scripts/setup.sh vscode installs it';
  if (`${process.platform}-${process.arch}` !== TARGET) return `the VS Code of the tests runs on ${TARGET}, not on ${process.platform}-${process.arch}`;
  if (locate() === undefined) return `code-server is not installed: ${setup}`;
  if (chromium() === undefined) return `Chromium is not installed: ${setup}`;
  if (playwright() === undefined) return `playwright-core is not installed: ${setup}`;
  if (!fs.existsSync(path.join(root, 'prebuilds', TARGET, 'candor.node'))) return `there is no prebuilt binary: npm run prebuild -- --target ${TARGET} builds it`;
  if (!fs.existsSync(path.join(root, 'build', 'release', 'candor-central'))) return 'there is no collector: npm run build builds it';
  return undefined;
}

module.exports = { root, TARGET, chromium, playwright, missing };
