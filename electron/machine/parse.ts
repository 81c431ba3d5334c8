import type { MachineSample } from '../ipc/contract.ts';

/** What /proc and df say at one moment. Everything is checked: it may come from a machine that wants to harm. */
export interface Reading {
  /** Jiffies of all CPUs since the start. */
  cpu: { busy: number; total: number } | null;
  load: MachineSample['load'];
  memory: MachineSample['memory'];
  swap: MachineSample['swap'];
  uptimeS: number | null;
  disks: MachineSample['disks'];
}

const LINES_LIMIT = 200;
const DISKS_LIMIT = 8;
const PATH_LIMIT = 200;
const CPU = /^cpu +(\d{1,18}(?: \d{1,18}){3,9})\s*$/;
const DISK = /^disk \S.*?\s(\d{1,16})\s+(\d{1,16})\s+(\d{1,16})\s+\d{1,3}%\s+(\/[^\0-\x1f\x7f]*)$/;
const MEMORY = /^(MemTotal|MemFree|MemAvailable|Buffers|Cached|SwapTotal|SwapFree): +(\d{1,15}) kB$/;

/**
 * Takes lines apart: `cpu …` of /proc/stat, lines of /proc/meminfo, and with a word in front `load` (/proc/loadavg), `uptime`
 * (/proc/uptime), `disk` (a line of `df -P -k`). Whatever else there is, is passed over.
 */
export function parseReading(text: string): Reading {
  const reading: Reading = { cpu: null, load: null, memory: null, swap: null, uptimeS: null, disks: [] };
  const kilobytes = new Map<string, number>();
  for (const line of text.split('\n', LINES_LIMIT)) {
    const cpu = CPU.exec(line)?.[1]?.split(' ').map(Number);
    const memory = MEMORY.exec(line);
    const disk = DISK.exec(line);
    const [word = '', ...numbers] = line.trim().split(/ +/, 4);
    if (cpu) reading.cpu ??= timesOf(cpu);
    else if (memory) kilobytes.set(memory[1] ?? '', Number(memory[2]));
    else if (disk) addDisk(reading.disks, disk);
    else if (word === 'load') reading.load ??= loadOf(numbers);
    else if (word === 'uptime') reading.uptimeS ??= numberOf(numbers[0]);
  }
  const total = kilobytes.get('MemTotal');
  if (total) {
    // Kernels before 3.14 have no MemAvailable.
    const plain = ['MemFree', 'Buffers', 'Cached'].reduce((sum, name) => sum + (kilobytes.get(name) ?? 0), 0);
    const available = Math.min(total, kilobytes.get('MemAvailable') ?? plain);
    reading.memory = { total: total * 1024, available: available * 1024 };
  }
  const swap = kilobytes.get('SwapTotal');
  if (swap) reading.swap = { total: swap * 1024, free: Math.min(swap, kilobytes.get('SwapFree') ?? 0) * 1024 };
  return reading;
}

/** @param before the reading before this one, on the same machine */
export function sampleOf(reading: Reading, before: Reading | undefined, at: number): MachineSample {
  const { cpu, ...rest } = reading;
  const passed = cpu && before?.cpu ? cpu.total - before.cpu.total : 0;
  const busy = cpu && before?.cpu ? cpu.busy - before.cpu.busy : 0;
  // Not over 1 nor below 0: the kernel's iowait may run backwards, and a machine may have been started anew.
  return { at, cpu: passed > 0 ? Math.min(1, Math.max(0, busy / passed)) : null, ...rest };
}

/** user nice system idle iowait irq softirq steal; guest is in user already. Source: proc(5) */
function timesOf(times: number[]): { busy: number; total: number } {
  const counted = times.slice(0, 8);
  const total = counted.reduce((sum, time) => sum + time, 0);
  return { total, busy: total - (times[3] ?? 0) - (times[4] ?? 0) };
}

function addDisk(disks: Reading['disks'], [, total, , available, path]: RegExpExecArray): void {
  if (disks.length >= DISKS_LIMIT || path === undefined || path.length > PATH_LIMIT || disks.some((disk) => disk.path === path)) return;
  const size = Number(total) * 1024;
  if (size > 0) disks.push({ path, total: size, available: Math.min(size, Number(available) * 1024) });
}

function loadOf(numbers: string[]): Reading['load'] {
  const [one, five, fifteen] = numbers.map(numberOf);
  return one == null || five == null || fifteen == null ? null : [one, five, fifteen];
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}(\.\d{1,6})?$/.test(text) ? Number(text) : null;
}
