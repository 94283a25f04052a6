// expects TS2345: an event of the catalogue that the app's own schema does not have
import { open } from 'candor';
import type { Events } from './own';

open<Events>({ app: 'types', schema: 'own.json' }).emit('ToolCall', {});
