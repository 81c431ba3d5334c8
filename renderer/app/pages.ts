import { Box, HardDrive, Layers, type LucideIcon, Server, Settings, Trash2 } from 'lucide-react';
import type { Page } from '../lib/route.ts';

/** Pages in the order of the rail; Ctrl+1 … opens them. */
export const pageIcons: Record<Page, LucideIcon> = {
  containers: Box,
  images: Layers,
  volumes: HardDrive,
  hosts: Server,
  bin: Trash2,
  settings: Settings,
};
