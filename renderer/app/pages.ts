import { Box, HardDrive, Layers, type LucideIcon, Network, Server, Settings, Trash2 } from 'lucide-react';
import type { Page } from '../lib/route.ts';

/** Pages in the order of the rail; Ctrl+1 … opens them. */
export const pageIcons: Record<Page, LucideIcon> = {
  containers: Box,
  images: Layers,
  volumes: HardDrive,
  networks: Network,
  hosts: Server,
  bin: Trash2,
  settings: Settings,
};
