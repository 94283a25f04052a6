// expects TS2561: a misspelt field, and the compiler names the right one
import { open } from 'candor';

open({ app: 'types' }).emit('ToolCall', { tolName: 'read_file' });
