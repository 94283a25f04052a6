'use strict';
// Our types beside the SDKs': the exporters fit where the SDKs ask for one, and a host's spans are typed.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { ROOT, tempDir } = require('../js/helper');

test('the exporters are of the SDKs\' types, and withSpan has the type of its function', (t) => {
  const dir = tempDir(t);
  fs.mkdirSync(path.join(dir, 'node_modules'));
  fs.symlinkSync(ROOT, path.join(dir, 'node_modules', 'candor'));
  fs.symlinkSync(path.join(__dirname, 'node_modules', '@opentelemetry'), path.join(dir, 'node_modules', '@opentelemetry'));
  fs.writeFileSync(path.join(dir, 'use.ts'), `
    import { open, withSpan, configureDefault } from 'candor';
    import { CandorSpanExporter, CandorLogRecordExporter, CandorMetricExporter } from 'candor/otel';
    import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
    import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
    import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
    const client = open({ app: 'ts' });
    export const spans: SpanExporter = new CandorSpanExporter({ client });
    export const logs: LogRecordExporter = new CandorLogRecordExporter({ app: 'ts' });
    export const metrics: PushMetricExporter = new CandorMetricExporter({ client });
    export const n: number = client.withSpan('x', (span) => span.traceId.length);
    export const p: Promise<string> = withSpan('x', { kind: 'client', parent: null }, async (span) => span.setStatus('ok').spanId);
    client.metric('m', 1, { 'cache.hit': true }, { type: 'counter' });
    configureDefault({ app: 'ts' }).recordEvent({ spanStart: { name: 'x', startNs: 1n } });
    // @ts-expect-error no such kind
    client.startSpan('x', { kind: 'clint' });
    // @ts-expect-error a metric has a value
    client.metric('m');
    // @ts-expect-error neither a client nor options
    new CandorSpanExporter({ appp: 'ts' });`);
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = spawnSync(process.execPath, [tsc, '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--lib', 'es2022,dom,esnext.disposable', '--module', 'node16',
    '--types', 'node', '--typeRoots', path.join(ROOT, 'node_modules', '@types'), '--preserveSymlinks', 'use.ts'], { cwd: dir, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout);
});
