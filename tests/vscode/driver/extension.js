'use strict';
// Connects each extension host to the test and does what it is asked, with the sample's own telemetry. The
// sample is activated by VS Code as ever: this extension only depends on it.
const fs = require('node:fs');
const net = require('node:net');
const readline = require('node:readline');
const vscode = require('vscode');

const BURST = 20;

/** @type {any} */
let telemetry;
let storm = false;

const emitOne = (correlationId) => telemetry.emit('ToolCall', { toolName: 'driver', durationMs: 1, success: true }, { correlationId });

const METHODS = {
  /** Emit n events, and say how many were kept. */
  emit(prefix, n) {
    let kept = 0;
    for (let i = 0; i < n; i += 1) if (emitOne(`${prefix}-${i}`)) kept += 1;
    return kept;
  },
  /** Emit until the end, and note each event that was kept in a file that outlives this process. */
  storm(prefix, file) {
    const witness = fs.openSync(file, 'a');
    let i = 0;
    storm = true;
    const burst = () => {
      for (let n = 0; n < BURST && storm; n += 1, i += 1) {
        if (emitOne(`${prefix}-${i}`)) fs.writeSync(witness, `${prefix}-${i}\n`);
      }
      if (storm) setTimeout(burst, 5);
      else fs.closeSync(witness);
    };
    burst();
  },
  calm: () => { storm = false; },
  status: () => telemetry.status(),
  /** How many events of a type were kept, sent or not. */
  async kept(type) {
    await telemetry.client.flush();
    return telemetry.client.stats().types.find((row) => row.type === type)?.kept ?? 0;
  },
  client: (method, ...args) => telemetry.client[method](...args),
  settled: async () => { await telemetry.settled; },
  log: (name, data) => telemetry.logger.logUsage(name, data),
  fail: (message) => telemetry.logger.logError(new TypeError(message)),
  command: async (id, ...args) => { await vscode.commands.executeCommand(id, ...args); },
  setting: (section, key) => vscode.workspace.getConfiguration(section).get(key),
  set: (section, key, value) => vscode.workspace.getConfiguration(section).update(key, value, vscode.ConfigurationTarget.Global),
  open: async (path) => { await vscode.window.showTextDocument(vscode.Uri.file(path)); },
  /** What VS Code does on the way out, timed. */
  dispose() {
    const started = performance.now();
    telemetry.dispose();
    return performance.now() - started;
  },
};

exports.activate = async function activate(context) {
  telemetry = (await vscode.extensions.getExtension('candor.candor-sample').activate()).telemetry;
  const socket = net.connect(process.env.CANDOR_TEST_SOCKET);
  socket.on('error', () => {});
  context.subscriptions.push({ dispose: () => socket.destroy() });
  const send = (message) => socket.write(`${JSON.stringify(message)}\n`);
  send({ hello: { pid: process.pid, mode: context.extensionMode, level: telemetry.level } });
  readline.createInterface({ input: socket }).on('line', async (line) => {
    const { id, method, args } = JSON.parse(line);
    try {
      send({ id, value: await METHODS[method](...args) ?? null });
    } catch (error) {
      send({ id, error: String(error?.stack ?? error) });
    }
  });
};
