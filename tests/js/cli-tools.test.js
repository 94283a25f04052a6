'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { nearest } = require('../../js/cli/nearest');
const { parseWindow, isWithin } = require('../../js/cli/window');
const { tarGz } = require('../../js/cli/tar');
const { gzipComment, listFiles } = require('../../js/cli/files');
const { load } = require('../../js/native');
const { tempDir } = require('./helper');

test('a typing error finds the name that was meant, and nonsense none', () => {
  const known = ['status', 'stats', 'upload', 'export', 'doctor', 'on', 'off', 'purge'];
  for (const [typed, meant] of [['sttaus', 'status'], ['uplaod', 'upload'], ['expotr', 'export'], ['doc', 'doctor'], ['Purge', 'purge'], ['of', 'off']]) {
    assert.equal(nearest(typed, known), meant, typed);
  }
  for (const typed of ['', 'frobnicate', 'x'.repeat(10000)]) assert.equal(nearest(typed, known), undefined);
});

test('a window of the day holds its begin, not its end, and may go over midnight', () => {
  const at = (text) => new Date(`2026-11-21T${text}:00`);
  const night = parseWindow('22:00-06:00');
  for (const [text, within] of [['21:59', false], ['22:00', true], ['23:59', true], ['00:00', true], ['05:59', true], ['06:00', false], ['12:00', false]]) {
    assert.equal(isWithin(night, at(text)), within, text);
  }
  const day = parseWindow('9:00-17:30');
  for (const [text, within] of [['08:59', false], ['09:00', true], ['17:29', true], ['17:30', false]]) assert.equal(isWithin(day, at(text)), within, text);
  assert.ok(isWithin(parseWindow('00:00-24:00'), at('23:59')));
});

test('what is no window is wrong usage', () => {
  for (const text of ['', '22:00', '22-06', '25:00-06:00', '22:60-06:00', '06:00-06:00', '12:00-24:30', 'night']) {
    assert.throws(() => parseWindow(text), { exitCode: 2 }, text);
  }
});

test('an archive is one that tar reads', (t) => {
  const dir = tempDir(t);
  const files = [{ name: 'a/empty.json', text: '' }, { name: 'a/ünï.txt', text: 'x'.repeat(513) }, { name: 'a/block.txt', text: 'y'.repeat(512) }];
  fs.writeFileSync(path.join(dir, 'x.tar.gz'), tarGz(files, Date.UTC(2026, 10, 21)));
  execFileSync('tar', ['-xzf', 'x.tar.gz'], { cwd: dir });
  for (const { name, text } of files) {
    assert.equal(fs.readFileSync(path.join(dir, name), 'utf8'), text);
    assert.equal(fs.statSync(path.join(dir, name)).mode & 0o777, 0o600);
    assert.equal(fs.statSync(path.join(dir, name)).mtimeMs, Date.UTC(2026, 10, 21));
  }
  assert.throws(() => tarGz([{ name: 'n'.repeat(101), text: '' }], 0), RangeError);
});

test('the comment of a gzip header is read behind the other optional parts, and nothing else is', (t) => {
  const dir = tempDir(t);
  const file = path.join(dir, 'f.gz');
  const head = (flags, rest) => Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]), Buffer.from(rest, 'latin1')]);
  for (const [flags, rest, want] of [
    [16, 'candor/1 schema=abc\0', 'candor/1 schema=abc'], [16 | 8, 'name\0comment\0', 'comment'],
    [16 | 4, '\x02\x00XXcomment\0', 'comment'], [0, 'comment\0', undefined], [16, 'no end', undefined], [16 | 4, '\xff', undefined],
  ]) {
    fs.writeFileSync(file, head(flags, rest));
    assert.equal(gzipComment(file), want, JSON.stringify(rest));
  }
  fs.writeFileSync(file, 'no gzip at all');
  assert.equal(gzipComment(file), undefined);
});

test('files of somebody else in the directory are not listed', (t) => {
  const dir = tempDir(t);
  for (const name of ['consent', 'salt', 'holiday.jpg']) fs.writeFileSync(path.join(dir, name), '');
  fs.mkdirSync(path.join(dir, 'spool'));
  fs.mkdirSync(path.join(dir, 'photos'));
  fs.writeFileSync(path.join(dir, 'photos', 'x'), '');
  assert.deepEqual(listFiles(dir).map((entry) => entry.name), ['', 'consent', 'salt', 'spool']);
});

test('redactText is the redactor of the collector', () => {
  const { native } = load();
  assert.equal(native.redactText('/home/bob/x by bob@example.com from 10.1.2.3'), '<path> by <email> from <ip>');
  assert.throws(() => native.redactText(1));
});

test('a probe without an endpoint asks nobody; a wrong option is refused', async () => {
  const { native } = load();
  assert.deepEqual(JSON.parse(await native.probe('{"app":"x"}', '')), { endpoint: null, health: null, token: null });
  await assert.rejects(native.probe('{"app":"x","bogus":1}', ''), { code: 'ERR_CANDOR_INVALID_OPTION' });
});

test('progress is shown on a terminal only, and goes again', async (t) => {
  const { progress } = require('../../js/cli/terminal');
  const written = [];
  let tick = () => {}; // Node 18 has no mock.timers
  const every = setInterval;
  t.mock.method(globalThis, 'setInterval', (/** @type {() => void} */ call) => { tick = call; return every(() => {}, 1e6); });
  t.mock.method(process.stderr, 'write', (text) => written.push(text) > 0);
  const terminal = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
  t.after(() => { if (terminal === undefined) delete process.stderr.isTTY; else Object.defineProperty(process.stderr, 'isTTY', terminal); });
  for (const [isTTY, want] of [[false, []], [true, ['\r\u001b[Khalf\ufffd way', '\r\u001b[K']]]) {
    Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true });
    let end;
    const work = progress(new Promise((resolve) => { end = resolve; }), () => 'half\u001b way');
    tick();
    end('done');
    assert.equal(await work, 'done');
    assert.deepEqual(written.splice(0), want);
  }
});
