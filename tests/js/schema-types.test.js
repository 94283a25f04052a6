'use strict';
// The types that come out of a schema, and what the compiler says about right and wrong calls.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { readModel } = require('../../js/schema/model');
const { typesOf } = require('../../js/schema/types');
const { ROOT, tempDir, run } = require('./helper');

const CASES = path.join(ROOT, 'tests', 'types');
const TSC = require.resolve('typescript/bin/tsc');

/** @param {string} text */
const expected = (text) => /^\/\/ expects (TS\d+)/.exec(text)?.[1];

const FILES = fs.readdirSync(CASES).filter((name) => name.endsWith('.ts')).sort();
const WRONG = FILES.filter((name) => name.startsWith('wrong-'));

/** A project of these files, with the types of tests/types/schema.json beside them, as a host has it. */
async function compile(t, files) {
  const dir = tempDir(t);
  const schema = path.join(CASES, 'schema.json');
  for (const file of files) fs.copyFileSync(path.join(CASES, file), path.join(dir, file));
  fs.writeFileSync(path.join(dir, 'own.d.ts'), typesOf(readModel(fs.readFileSync(schema, 'utf8'), schema)));
  fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, target: 'es2022', module: 'node16', moduleResolution: 'node16', skipLibCheck: false,
      types: ['node'], typeRoots: [path.join(ROOT, 'node_modules', '@types')],
      paths: { candor: [path.join(ROOT, 'js', 'types', 'index.d.ts')] },
    },
    files,
  }));
  const done = await run([TSC, '--pretty', 'false', '-p', dir], {});
  const errors = [...done.stdout.matchAll(/([\w-]+\.ts)\(\d+,\d+\): error (TS\d+)/g)].map(([, file, code]) => `${file} ${code}`);
  return { ...done, errors };
}

test('right calls compile', async (t) => {
  const done = await compile(t, ['right.ts']);
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.equal(done.stdout, '');
});

test('each wrong call is one compile error of its sort', async (t) => {
  const done = await compile(t, WRONG); // one program: the compiler reports by file
  assert.equal(done.code, 2, done.stderr);
  assert.deepEqual(done.errors, WRONG.map((file) => `${file} ${expected(fs.readFileSync(path.join(CASES, file), 'utf8'))}`), done.stdout);
});

test('there is a wrong call of each sort', () => {
  assert.ok(WRONG.length >= 5);
});

test('defaults are those of the C compiler: a schema with them written out has the same hash', () => {
  for (const file of ['schema/default.json', 'tests/types/schema.json']) {
    const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
    const model = readModel(text, file);
    const given = JSON.parse(text);
    if (given.attributes !== undefined) given.attributes = Object.fromEntries(model.attributes.map(({ name, ...value }) => [name, value]));
    for (const event of model.events) {
      const fields = Object.fromEntries(event.fields.map(({ name, attributes, ...value }) => [name, value]));
      const { sample, governance_id } = event;
      given.events[event.name] = { ...given.events[event.name], sample, governance_id, ...(event.fields.length > 0 && { fields }) };
    }
    assert.equal(readModel(JSON.stringify(given), file).hash, model.hash, file);
  }
});
