export { openSession, type SessionOptions } from './attach.ts';
export { DEFAULT_DETACH_KEYS, DetachFilter, parseDetachKeys } from './detach-keys.ts';
export { FrameReader, frame } from './frames.ts';
export { type LogSource, readLogs } from './read-logs.ts';
export { logFiles, rotateIfLarger } from './rotate.ts';
