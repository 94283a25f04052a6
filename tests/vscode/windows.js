'use strict';
// Several windows of a real VS Code are several extension hosts on one spool: nothing is lost, nothing arrives
// twice, one uploads at a time; also when one is killed, and when VS Code ends them.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');
const { compare } = require('../../scripts/support/witness');
const { until } = require('../e2e/pipe-support');
const { LIMIT_MS } = require('./support/editor');
const { session } = require('./support/session');

const EVENTS = 1500;
const { windows } = session;
const emitted = (/** @type {string} */ prefix, /** @type {number} */ n) => Array.from({ length: n }, (_, i) => `${prefix}-${i}`);

/** Flush every window, and upload until nothing waits. */
async function drain() {
  let last = {};
  await until('all is sent', async () => {
    for (const { host } of windows) await host.ask('client', 'flush');
    const upload = await windows[0].host.ask('client', 'upload');
    const { spool, worker } = await windows[0].host.ask('status');
    last = { upload, spool, worker };
    return upload.pending === 0 && spool.events === 0;
  }, LIMIT_MS).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(last)}`); });
}

/** A window in a browser is told of a setting when it reloads. One that was told "off" all the same, which
 * happens on a busy machine, is not told "all" before the next reload. @param {typeof windows[0]} window */
async function onAgain(window) {
  const isOn = async () => (await window.host.ask('emit', 'again', 1)) === 1;
  const inVain = await until('on', isOn, 15_000).then(() => null, (error) => error);
  if (inVain === null) return;
  assert.equal(await window.host.ask('setting', 'telemetry', 'telemetryLevel'), 'off', `${inVain.message}, though VS Code told it`);
  const known = session.editor.hosts.length;
  await window.workbench.page.reload();
  window.host = await session.editor.nextHost(known);
  await until('on, once it was reloaded', isOn, LIMIT_MS);
}

/** Correlation ids of stored events that begin so, one for each event. @param {string} prefix */
async function arrived(prefix) {
  const ids = [];
  for await (const event of session.collector.events()) if (event.correlation_id?.startsWith(prefix)) ids.push(event.correlation_id);
  return ids;
}

/** @param {string[]} ids @param {string[]} expected */
function assertOnce(ids, expected) {
  const seen = new Set(ids);
  assert.deepEqual({ lost: expected.filter((id) => !seen.has(id)), duplicates: ids.length - seen.size }, { lost: [], duplicates: 0 });
}

function windowTests() {
  test('two windows are two extension hosts on one directory', async () => {
    windows.push(await session.editor.window());
    await windows[0].host.ask('client', 'setMode', 'auto');
    const [a, b] = await Promise.all(windows.map(({ host }) => host.ask('status')));
    assert.notEqual(windows[0].host.pid, windows[1].host.pid);
    assert.notEqual(a.session_id, b.session_id);
    assert.deepEqual([a.directory, b.directory], [session.editor.directory, session.editor.directory]);
    assert.equal(a.machine_id, b.machine_id);
  });

  test('two windows emit and upload at once: nothing is lost or stored twice, and one uploads at a time', async () => {
    const expected = [];
    await Promise.all(windows.map(async ({ host }, w) => {
      for (let round = 0; round < 5; round += 1) {
        const prefix = `two-${w}-${round}`;
        assert.equal(await host.ask('emit', prefix, EVENTS / 5), EVENTS / 5);
        expected.push(...emitted(prefix, EVENTS / 5));
        await host.ask('client', 'upload');
      }
    }));
    await drain();
    assertOnce(await arrived('two-'), expected);
    assert.equal(session.relay.most, 1, 'uploads under way at once');
    assert.ok(session.relay.uploads > 1);
  });

  test('telemetry switched off in one window deletes what all have buffered', async () => {
    await windows[0].host.ask('client', 'setMode', 'manual');
    for (const { host } of windows) {
      await host.ask('emit', 'doomed', 150);
      await host.ask('client', 'flush');
    }
    await windows[1].host.ask('emit', 'doomed-journal', 50);
    await windows[0].host.ask('set', 'telemetry', 'telemetryLevel', 'off');
    await until('off', async () => (await windows[0].host.ask('status')).enabled === false, LIMIT_MS);
    await windows[0].host.ask('settled');
    assert.equal(await windows[0].host.ask('emit', 'doomed', 1), 0);
    // VS Code in a browser tells each window of a setting when it reloads; on a desktop at once.
    await until('the other window has nothing left', async () => {
      const { pending_journal: journal, spool } = await windows[1].host.ask('status');
      return journal === 0 && spool.events === 0;
    }, LIMIT_MS);
    await windows[0].host.ask('set', 'telemetry', 'telemetryLevel', 'all');
    for (const window of windows) await onAgain(window);
    await drain();
    assert.deepEqual(await arrived('doomed'), []);
  });

  test('an extension host that is killed in the middle loses nothing: the next one takes it up', async () => {
    const witness = session.editor.path('witness');
    const { host } = windows[1];
    await host.ask('storm', 'killed', witness);
    await until('the storm is under way', () => fs.existsSync(witness) && fs.readFileSync(witness, 'utf8').split('\n').length > 500, LIMIT_MS);
    const known = session.editor.hosts.length;
    process.kill(host.pid, 'SIGKILL');
    await until('it is gone', () => host.gone, LIMIT_MS);
    const { page } = windows[1].workbench;
    // VS Code starts another by itself; a reload is what people do when it does not.
    windows[1].host = await until('the next extension host', () => session.editor.hosts[known], 15_000)
      .catch(async () => { await page.reload(); return session.editor.nextHost(known); });
    assert.notEqual(windows[1].host.pid, host.pid);
    await drain();
    const result = await compare([witness], (async function* storm() {
      for (const id of await arrived('killed-')) yield { correlation_id: id };
    })());
    assert.deepEqual({ lost: result.lost, duplicates: result.duplicates }, { lost: 0, duplicates: 0 });
    assert.ok(result.kept >= 500);
  });

  test('a window is reloaded: what was kept stays on disk, and arrives', async () => {
    const { host } = windows[1];
    assert.equal(await host.ask('emit', 'restart', 120), 120);
    const known = session.editor.hosts.length;
    await windows[1].workbench.page.reload();
    await until('VS Code has ended it', () => host.gone, LIMIT_MS);
    windows[1].host = await session.editor.nextHost(known);
    await drain();
    assertOnce(await arrived('restart-'), emitted('restart', 120));
    const sessions = [];
    for await (const event of session.collector.events()) if (event.event_type === 'SessionEnd') sessions.push(event.session_id);
    assert.ok(sessions.length > 0, 'the sample’s deactivate emitted SessionEnd');
  });

  test('closing takes well under a second, with thousands of events waiting, and keeps them', async (t) => {
    const { host } = windows[1];
    assert.equal(await host.ask('emit', 'closing', 3000), 3000);
    const ms = await host.ask('dispose');
    t.diagnostic(`deactivate with 3000 events waiting: ${ms.toFixed(1)} ms (bound: exitFlushMs, 500 ms)`);
    assert.equal(await host.ask('emit', 'closed', 1), 0);
    windows.pop();
    await drain();
    assertOnce(await arrived('closing-'), emitted('closing', 3000));
  });
}

module.exports = { windowTests };
