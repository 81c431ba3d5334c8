export { openSession, type SessionOptions } from './attach.ts';
export { parseDetachKeys } from './detach-keys.ts';
export { FrameReader, frame } from './frames.ts';
export { holdLog } from './last-lines.ts';
export { type LogSource, readLogs } from './read-logs.ts';
export { beginLog, keepReplaced, logFiles } from './rotate.ts';
