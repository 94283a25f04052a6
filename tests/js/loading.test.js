'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { spawnSync } = require('node:child_process');
const { ROOT, tempDir, run, runScript } = require('./helper');

test('without a native binary the API loads, says why, and does nothing', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stdout, stderr } = await runScript(`
    const c = candor.open({ ...options, requireNative: false });
    const says = [c.emit('ToolCall', {}), c.enabled, c.preview(), candor.settings().length];
    const status = c.status();
    Promise.all([c.flush(), c.upload(), c.purge()]).then(([flushed, uploaded]) => {
      c.close();
      process.stderr.write(JSON.stringify({ says, enabled: status.enabled, by: status.decided_by, reason: status.reason, error: uploaded.error }));
    });`, directory, { env: { CANDOR_ADDON: '/nowhere/candor.node' } });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  const said = JSON.parse(stderr);
  assert.deepEqual(said.says, [false, false, '', 0]);
  assert.equal(said.enabled, false);
  assert.equal(said.by, 'native');
  assert.match(said.reason, /no native binary for .*nowhere/);
  assert.equal(said.error, said.reason);
  assert.equal(fs.existsSync(directory), false);
});

test('a binary that does not load is told by name', async (t) => {
  const dir = tempDir(t);
  const file = path.join(dir, 'candor.node');
  fs.writeFileSync(file, 'this is no shared library');
  const { stderr } = await runScript(`process.stderr.write(candor.open({ app: 'x' }).status().reason);`, path.join(dir, 's'), { env: { CANDOR_ADDON: file } });
  assert.match(stderr, /cannot load .*candor\.node/);
});

test('a checkout uses the binary that was built from it, not a prebuilt one beside it', (t) => {
  const root = tempDir(t);
  const built = path.join(root, 'build', 'addon', 'candor.node');
  const prebuilt = path.join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'candor.node');
  for (const file of [path.join(root, 'js', 'native.js'), built, prebuilt]) fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(path.join(ROOT, 'js', 'native.js'), path.join(root, 'js', 'native.js'));
  for (const file of [built, prebuilt]) fs.copyFileSync(path.join(ROOT, 'build', 'addon', 'candor.node'), file);
  const used = () => spawnSync(process.execPath, ['-e', `
    require('./js/native').load();
    console.log(Object.keys(require.cache).filter((file) => file.endsWith('.node')).join());`], { cwd: root, encoding: 'utf8', env: { ...process.env, CANDOR_ADDON: '' } }).stdout.trim();
  assert.equal(used(), fs.realpathSync(built));
  fs.rmSync(built);
  assert.equal(used(), fs.realpathSync(prebuilt));
});

test('requireNative makes a missing binary an error', async (t) => {
  const { stderr } = await runScript(`try { candor.open(options); } catch (e) { process.stderr.write(e.name + ' ' + e.code); }`,
    path.join(tempDir(t), 's'), { env: { CANDOR_ADDON: '/nowhere/candor.node' } });
  assert.equal(stderr, 'TelemetryError ERR_CANDOR_NATIVE');
});

test('emit alone does not load what the other methods need', async (t) => {
  const { code, stderr } = await runScript(`
    const loaded = () => ['calls', 'trace', 'capture', 'plugins', 'config', 'noop', 'thread', 'attributes', 'time', 'vault'].filter((name) => Object.keys(require.cache).some((file) => file.includes('/js/' + name)));
    const c = candor.open(options);
    const kept = c.emit('ToolCall', { toolName: 'x' });
    const before = loaded();
    c.flush().then(() => {
      c.close();
      process.stderr.write(JSON.stringify({ kept, before, after: loaded() }));
    });`, path.join(tempDir(t), 's'));
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stderr), { kept: true, before: [], after: ['calls'] });
});

test('both kinds of client have the same methods', () => {
  const { Client } = require('../../js/client');
  const { NoopClient } = require('../../js/noop');
  const names = (type) => Reflect.ownKeys(type.prototype).map(String).sort();
  assert.deepEqual(names(NoopClient), names(Client));
});

test('the ES module is the same module', async (t) => {
  const dir = tempDir(t);
  const file = path.join(dir, 'use.mjs');
  fs.writeFileSync(file, `
    import { createRequire } from 'node:module';
    import candor, { open, TelemetryError, settings, version } from ${JSON.stringify(pathToFileURL(path.join(ROOT, 'js', 'index.mjs')).href)};
    const cjs = createRequire(import.meta.url)(${JSON.stringify(path.join(ROOT, 'js'))});
    if (cjs.open !== open || cjs.TelemetryError !== TelemetryError || candor.open !== open || typeof version !== 'string') throw new Error('two modules');
    const client = open({ app: 'esm', directory: ${JSON.stringify(path.join(dir, 'spool'))}, mode: 'manual', notice: 'none', minFreeDiskBytes: 0, requireNative: true });
    process.exitCode = client.emit('ToolCall', { toolName: 'esm' }) && settings().length > 0 ? 0 : 9;`);
  const { code, stderr } = await run([file], { dir });
  assert.equal(code, 0, stderr);
});

test('the native module refuses handles and arguments that are not its own', () => {
  const { native } = require('../../js/native').load();
  const names = ['flush', 'upload', 'purge', 'setEnabled', 'enabled', 'status', 'preview', 'stats', 'close', 'emitJson'];
  for (const name of names) {
    for (const handle of [undefined, null, 7, {}, () => {}, native.open, Symbol('x'), new Proxy(() => {}, {})]) {
      assert.throws(() => native[name](handle, 1, 1, 1), Error, name);
    }
    assert.throws(() => native[name](), Error, name);
  }
  assert.throws(() => native.open(), Error);
  assert.throws(() => native.open('{}', 7), { code: 'ERR_CANDOR_INVALID_OPTION' });
  assert.throws(() => native.open('{', '{}'), /./);
  assert.throws(() => native.describeSchema('{}', 7), { code: 'ERR_CANDOR_INVALID_OPTION' });
});

test('the command line and the build script pass the type check', () => {
  const tsc = require.resolve('typescript/bin/tsc');
  const done = spawnSync(process.execPath, [tsc, '-p', 'js/cli/tsconfig.json'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout);
});

test('types compile for a consumer, and refuse what is wrong', (t) => {
  const dir = tempDir(t);
  fs.mkdirSync(path.join(dir, 'node_modules'));
  fs.symlinkSync(ROOT, path.join(dir, 'node_modules', 'candor'));
  fs.writeFileSync(path.join(dir, 'use.ts'), `
    import { open, TelemetryError, type Options, type TelemetryClient } from 'candor';
    const options: Options = { app: 'ts', mode: 'manual' };
    const client: TelemetryClient = open(options);
    const kept: boolean = client.emit('ToolCall', { toolName: 'x' }, { correlationId: 'c' });
    client.flush().then((report) => console.log(report, kept));
    export const code = (error: TelemetryError): string => error.code;
    // @ts-expect-error app is required
    open({});
    // @ts-expect-error a misspelt option
    open({ app: 'ts', endpont: 'x' });
    // @ts-expect-error no such mode
    open({ app: 'ts', mode: 'sometimes' });`);
  const tsc = require.resolve('typescript/bin/tsc');
  const done = spawnSync(process.execPath, [tsc, '--noEmit', '--strict', '--target', 'es2022', '--module', 'node16', '--types', 'node',
    '--typeRoots', path.join(ROOT, 'node_modules', '@types'), 'use.ts'], { cwd: dir, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout);
});

for (const options of [['--module', 'node16'], ['--module', 'commonjs'], ['--module', 'esnext', '--moduleResolution', 'bundler']]) {
  test(`every entry point has its types for a consumer with ${options.join(' ')}`, (t) => {
    const dir = tempDir(t);
    fs.mkdirSync(path.join(dir, 'node_modules'));
    fs.symlinkSync(ROOT, path.join(dir, 'node_modules', 'candor'));
    fs.writeFileSync(path.join(dir, 'use.ts'), `
      import { open } from 'candor';
      import { CandorSpanExporter } from 'candor/otel';
      import { PluginHost } from 'candor/plugins';
      import { registerTelemetry, type Registration } from 'candor/electron/main';
      import type { RendererTelemetry } from 'candor/electron/preload';
      import { createEmitter } from 'candor/electron/utility';
      import type { ExtensionContext } from 'vscode';
      import { activateTelemetry } from 'candor/vscode';
      export function activate(context: ExtensionContext) {
        const telemetry = activateTelemetry(context, { section: 'own', map: (name, data) => [name, data] });
        telemetry.emit('ToolCall', { toolName: 'x' });
        // @ts-expect-error no such event
        telemetry.emit('Toolcall', {});
        // @ts-expect-error no such option
        activateTelemetry(context, { sektion: 'own' });
      }
      const client = open({ app: 'ts' });
      new CandorSpanExporter({ client }).shutdown();
      declare const page: RendererTelemetry;
      const telemetry: Registration = registerTelemetry({ client, allowedOrigins: ['app://x'] });
      page.emit('ToolCall', { toolName: 'x' }).then((kept: boolean) => telemetry.counts().refused.sender + Number(kept));
      createEmitter().emit('ToolCall');
      // @ts-expect-error no such option
      new CandorSpanExporter({ app: 'ts', endpont: 'x' });
      new PluginHost(client, { onLog: ({ plugin }) => plugin.length });
      // @ts-expect-error a log line has no such member
      new PluginHost(client, { onLog: ({ plugn }) => plugn });`);
    const tsc = require.resolve('typescript/bin/tsc');
    const done = spawnSync(process.execPath, [tsc, '--noEmit', '--strict', '--target', 'es2022', ...options, '--types', 'node,vscode',
      '--typeRoots', path.join(ROOT, 'node_modules', '@types'), 'use.ts'], { cwd: dir, encoding: 'utf8' });
    assert.equal(done.status, 0, done.stdout);
  });
}

test('a packaged Electron app does not take its binary from the environment', async (t) => {
  const dir = tempDir(t);
  const pretend = (resources) => `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, electron: '30.0.0' } });
    process.resourcesPath = ${JSON.stringify(resources)};
    process.stderr.write(candor.open({ ...options, requireNative: false }).status().decided_by);`;
  const env = { CANDOR_ADDON: '/nowhere/candor.node' };
  const packaged = await runScript(pretend('/opt/app/resources'), path.join(dir, 'a'), { env });
  assert.equal(packaged.stderr, 'default');
  const unpackaged = await runScript(pretend(undefined), path.join(dir, 'b'), { env });
  assert.equal(unpackaged.stderr, 'native');
});
