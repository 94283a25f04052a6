// expects TS2345: an event that the schema does not have
import { open } from 'candor';

open({ app: 'types' }).emit('ToolCal', { toolName: 'read_file' });
