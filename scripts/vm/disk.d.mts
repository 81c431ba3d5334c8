export interface VmImage {
  disk: string;
  kernel: string;
  initrd: string;
  key: string;
}
export function vmDisk(): Promise<VmImage>;
