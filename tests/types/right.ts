import { open, type TelemetryClient } from 'candor';
import type { Events, Every } from './own';

const telemetry = open({ app: 'types' });
telemetry.emit('ToolCall', { toolName: 'read_file', durationMs: 12.5, success: true });
telemetry.emit('ToolCall', { durationMs: 12n, toolName: null, success: undefined }, { correlationId: 'c-1' });
telemetry.emit('SessionStart', { os: 'linux', timestamp: new Date(), userId: 42 });
telemetry.emit('cache.hit');
telemetry.emit('install', { targets: ['vscode', 'cli'] });

const own: TelemetryClient<Events> = open<Events>({ app: 'types', schema: 'own.json' });
const every: Every = {
  anInt: 1, aNumber: 1.5, aDuration: 3, aBool: false, aTime: '2026-11-21T09:52:00Z', anEnum: "it's blue", anId: 'a-b',
  aBucket: 7, aHash: 'x', aText: 'words', aStack: 'at 1:2', aContent: 'all of it', aList: ['one', 'two'],
};
own.emit('Every', every);
own.emit('Every', { anEnum: 'a | b' });
own.emit('two.words', {});
own.emit('two_words');
const kept: boolean = own.emit('Every', null);

// A schema without types: any name and any object.
open({ app: 'types', schema: 'own.json' }).emit('Anything', { goes: kept });
open<Events>({ app: 'types' }).emit('Every', { anInt: 1 });
