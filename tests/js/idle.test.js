'use strict';
// What an app pays for a client that it hardly uses.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const fs = require('node:fs');
const path = require('node:path');
const { load } = require('../../js/native');
const { readElf } = require('../../scripts/prebuild/elf');
const { runScript, tempDir } = require('./helper');

/** KiB of the file's pages that are resident, by a script's own look at itself. */
const RESIDENT = `
  const fs = require('node:fs');
  const resident = (name) => fs.readFileSync('/proc/self/smaps', 'utf8').split(/\\n(?=[0-9a-f]+-[0-9a-f]+ )/)
    .filter((map) => name.test(map.split('\\n')[0]))
    .map((map) => Number(/^Rss:\\s+(\\d+)/m.exec(map)[1]));
`;

const onLinux = { skip: process.platform !== 'linux' && 'reads /proc' };

/** Where libcurl is: of the system, loaded by name, or, as in what the package ships, inside of the binary. */
function ownCurl() {
  load();
  const file = Object.keys(require.cache).find((name) => name.endsWith('.node'));
  return !readElf(fs.readFileSync(file)).symbols.some(({ name, defined }) => name === 'dlopen' && !defined);
}
const loadsCurl = { skip: onLinux.skip || (ownCurl() && 'libcurl is inside of this binary') };

/** @param {import('node:test').TestContext} t @param {string} body @param {object} options */
async function look(t, body, options) {
  const { stdout, stderr, code } = await runScript(`${RESIDENT}${body}`, path.join(tempDir(t), 'spool'), { options });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('a client that has sent nothing has not loaded libcurl, although its endpoint was checked', loadsCurl, async (t) => {
  const seen = await look(t, `
    const client = candor.open(options);
    client.emit('ChatTurn', { command: 'x' });
    client.flush().then(() => client.status()).then(async () => {
      const before = resident(/libcurl/).length;
      await client.upload();
      console.log(JSON.stringify({ before, after: resident(/libcurl/).length }));
      client.close();
    });`, { endpoint: 'http://127.0.0.1:1' });
  assert.equal(seen.before, 0);
  assert.ok(seen.after > 0, 'an upload loads it');
});

test('a calm client keeps little of its journal resident, a busy one all of it', onLinux, async (t) => {
  const { calm, busy } = await look(t, `
    const client = candor.open(options);
    client.flush().then(async () => {
      const calm = resident(/\\.seg$/);
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 3000; i++) client.emit('ChatTurn', { command: 'x'.repeat(60) });
        await client.flush();
      }
      console.log(JSON.stringify({ calm, busy: resident(/\\.seg$/) }));
      client.close();
    });`, {});
  assert.equal(calm.length, 2, 'a segment and its spare');
  assert.ok(Math.max(...calm) <= 128, `${calm} KiB`);
  assert.ok(Math.max(...busy) >= 1024, `${busy} KiB`);
});
