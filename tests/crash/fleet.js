'use strict';
// Apps that are killed, and what is left of them: shared by test:crash and test:windows.
const { fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { open } = require('../../js');

/** @typedef {{url: string, token: string}} Target  a collector, or something in front of one */

/** Mulberry32: small, seeded, so that a failing schedule can be asked for again. @param {number} seed */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {string} scratch @param {Target} target @param {string} id @param {number} [pauseMs] between bursts */
async function startApp(scratch, target, id, pauseMs = 1) {
  const witness = path.join(scratch, `witness-${id}`);
  const child = fork(path.join(__dirname, 'app.js'),
    [path.join(scratch, 'spool'), target.url, witness, id, String(pauseMs)],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, TELEMETRY_TOKEN: target.token } });
  await once(child, 'message');
  return { child, witness };
}

/** @param {import('node:child_process').ChildProcess} child @param {boolean} kindly */
async function endApp(child, kindly) {
  const gone = once(child, 'exit');
  if (kindly) child.send('exit');
  else child.kill('SIGKILL');
  await gone;
}

/** Upload what is left, as the app's next start would. @param {string} scratch @param {Target} target */
async function drain(scratch, target) {
  const client = open({
    app: 'crash-test', directory: path.join(scratch, 'spool'), endpoint: target.url, token: target.token,
    notice: 'none', mode: 'manual', minFreeDiskBytes: 0, retryBaseMs: 1, retryMaxMs: 10,
  });
  const until = Date.now() + 60_000;
  let left;
  do {
    await client.upload();
    const status = client.status();
    left = status.spool.batches + status.pending_journal;
    if (left > 0) await sleep(20);
  } while (left > 0 && Date.now() < until);
  const status = client.status();
  client.close();
  if (left > 0) throw new Error(`the spool did not drain in 60 s: ${JSON.stringify(status)}`);
  return status;
}

module.exports = { drain, endApp, seeded, startApp };
