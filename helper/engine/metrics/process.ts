import { readdirSync, readFileSync } from 'node:fs';

/** This process, by the names that Prometheus' own clients use. Read at each question: an idle engine measures nothing. */
export interface ProcessFigures {
  process_cpu_seconds_total: number;
  process_resident_memory_bytes: number;
  process_virtual_memory_bytes: number;
  process_open_fds: number;
  process_max_fds: number;
  process_start_time_seconds: number;
  nodejs_heap_size_used_bytes: number;
  nodejs_external_memory_bytes: number;
}

export function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const status = readFileSync('/proc/self/status', 'utf8');
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return {
    process_cpu_seconds_total: (user + system) / 1e6,
    process_resident_memory_bytes: rss,
    process_virtual_memory_bytes: Number(/^VmSize:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024,
    process_open_fds: readdirSync('/proc/self/fd').length,
    process_max_fds: Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY),
    process_start_time_seconds: Date.now() / 1000 - process.uptime(),
    nodejs_heap_size_used_bytes: heapUsed,
    nodejs_external_memory_bytes: external,
  };
}
