import type { DragEvent } from 'react';
import { create } from 'zustand';
import type { TransferSource } from '../../../electron/ipc/contract.ts';
import { useHosts } from '../../lib/queries.ts';
import type { RowDrag } from '../../ui/Table.tsx';
import { nameOfAll } from './transfers.ts';

/** What is on its way to a host by the mouse. */
export const useDragged = create<{ sources: TransferSource[] }>(() => ({ sources: [] }));

export function endDrag(): void {
  useDragged.setState({ sources: [] });
}

export function startDrag(sources: TransferSource[], event: DragEvent): void {
  const name = nameOfAll(sources);
  const { dataTransfer } = event;
  dataTransfer.effectAllowed = 'copyMove';
  dataTransfer.setData('text/plain', sources.map((source) => source.name).join('\n'));
  const image = chip(name);
  dataTransfer.setDragImage(image, -12, -8);
  // Chromium ends a drag whose page changes while it begins.
  setTimeout(() => {
    image.remove();
    useDragged.setState({ sources });
  });
}

/** What hangs on the pointer. */
function chip(text: string): HTMLElement {
  const element = document.createElement('div');
  element.className = 'drag-chip';
  element.textContent = text;
  document.body.append(element);
  return element;
}

/** Rows that can be dragged onto a host; undefined where there is no other host. */
export function useRowDrag<R>(sourceOf: (row: R) => TransferSource): RowDrag<R> | undefined {
  const hosts = useHosts();
  return hosts.length > 1 ? { start: (rows, event) => startDrag(rows.map(sourceOf), event), end: endDrag } : undefined;
}
