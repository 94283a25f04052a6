'use strict';
// What the tests in a real VS Code share: starting it costs more than any of them.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Collector } = require('../../../scripts/support/collector');
const { Relay } = require('../../windows/relay');
const { Editor } = require('./editor');

/** @type {(() => unknown)[]} */
const ends = [];

const session = {
  /** @type {Editor} */ editor: /** @type {any} */ (null),
  /** @type {Collector} */ collector: /** @type {any} */ (null),
  /** Stands before the collector and counts uploads. @type {Relay} */ relay: /** @type {any} */ (null),
  /** @type {{workbench: import('./workbench').Workbench, host: any}[]} */ windows: [],
};

/** @param {(directory: string) => void} fill  the workspace */
async function start(fill) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-vscode-central-'));
  ends.push(() => fs.rmSync(directory, { recursive: true, force: true }));
  session.collector = await new Collector({ directory, args: ['--uploads-per-minute', '0'] }).start();
  ends.push(() => session.collector.kill());
  session.relay = new Relay(() => session.collector.url);
  await session.relay.start();
  ends.push(() => session.relay.stop());
  session.editor = new Editor();
  ends.push(() => session.editor.stop());
  await session.editor.start({ TELEMETRY_ENDPOINT: session.relay.url, TELEMETRY_TOKEN: session.collector.token }, fill);
  session.windows.push(await session.editor.window());
}

async function stop() {
  for (const end of ends.reverse()) await end();
}

module.exports = { session, start, stop };
