export { createMonitor, type MonitorOptions } from './monitor.ts';
export type { CreateProcess, ExecProcess, Monitor, MonitoredProcess } from './types.ts';
