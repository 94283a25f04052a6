// expects TS2322: a field of an event that has none
import { open } from 'candor';
import type { Events } from './own';

open<Events>({ app: 'types', schema: 'own.json' }).emit('two.words', { extra: 1 });
