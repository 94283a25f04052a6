// expects TS2353: a field that the schema does not have
import { open } from 'candor';

open({ app: 'types' }).emit('ToolCall', { toolName: 'read_file', arguments: 'secret' });
