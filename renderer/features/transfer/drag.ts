import type { DragEvent } from 'react';
import { create } from 'zustand';
import type { TransferSource } from '../../../electron/ipc/contract.ts';
import { useHosts } from '../../lib/queries.ts';
import type { RowDrag } from '../../ui/Table.tsx';

/** What is on its way to a host by the mouse. */
export const useDragged = create<{ source: TransferSource | null }>(() => ({ source: null }));

export function endDrag(): void {
  useDragged.setState({ source: null });
}

export function startDrag(source: TransferSource, event: DragEvent): void {
  const { dataTransfer } = event;
  dataTransfer.effectAllowed = 'copyMove';
  dataTransfer.setData('text/plain', source.name);
  const image = chip(source.name);
  dataTransfer.setDragImage(image, -12, -8);
  // Chromium ends a drag whose page changes while it begins.
  setTimeout(() => {
    image.remove();
    useDragged.setState({ source });
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
  return hosts.length > 1 ? { start: (row, event) => startDrag(sourceOf(row), event), end: endDrag } : undefined;
}
