'use strict';
// docs/capacity.md shows what its commands print.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const ROOT = path.join(__dirname, '..', '..');
const SCRIPT = path.join(ROOT, 'tests', 'bench', 'capacity.js');

test('the table of docs/capacity.md is the output of bench:capacity', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'capacity.md'), 'utf8');
  const printed = execFileSync(process.execPath, [SCRIPT], { encoding: 'utf8' });
  assert.ok(page.includes(printed.trim()), printed);
});

test('capacity follows its figures: events, shards for processors and for disks, replicas', () => {
  const rows = (/** @type {string[]} */ ...args) => JSON.parse(execFileSync(process.execPath, [SCRIPT, '--json', ...args], { encoding: 'utf8' })).rows;
  const [one] = rows('--bytes', '100', '--days', '10', '--disk-gb', '1', '--full', '50', '--replicas', '3', '--peak', '2');
  assert.equal(one.peak_eps, Math.round(2e6 / 86400));
  assert.deepEqual([one.shards_for_disk, one.servers, one.disk_gb], [2, 6, 3]);
  const busy = rows('--replica-us10', '10000000', '--cores', '1', '--load', '100', '--peak', '1').at(-1);
  assert.equal(busy.shards_for_cpu, Math.ceil(1e9 / 86400));
});
