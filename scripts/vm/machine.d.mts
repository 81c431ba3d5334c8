import type { VmImage } from './disk.d.mts';

export interface VirtualMachine {
  /** sshd's on 127.0.0.1. */
  port: number;
  /** Path of the private key that opens it for root. */
  key: string;
  /** Runs a command as root. */
  ssh(command: string, options?: { input?: string | Buffer; timeoutMs?: number }): Promise<{ code: number; output: string }>;
  stop(): Promise<void>;
  copyFrom(path: string, target: string): Promise<boolean>;
}
export interface MachineOptions {
  disks?: string[];
  /** MiB. */
  memory?: number;
  reboots?: boolean;
  clock?: 'time' | 'work';
}
export function startMachine(image: VmImage, options?: MachineOptions): Promise<VirtualMachine>;
