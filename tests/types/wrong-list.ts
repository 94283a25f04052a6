// expects TS2322: a word in a list that its enum does not have
import { open } from 'candor';
import type { Events } from './own';

open<Events>({ app: 'types', schema: 'own.json' }).emit('Every', { aList: ['one', 'three'] });
