// expects TS2322: a text where a number belongs
import { open } from 'candor';

open({ app: 'types' }).emit('ToolCall', { durationMs: '12.5' });
