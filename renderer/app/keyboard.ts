import { navigate, pages } from '../lib/route.ts';
import { openDialog, toggleDock, useScreen } from '../lib/screen.ts';
import { undoLast } from '../lib/undo.ts';

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
    target.getAttribute('type') !== 'checkbox'
  );
}

/** Shortcuts of the whole window. Those of a list or a log are handled there. */
export function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented) return;
  const mod = event.ctrlKey || event.metaKey;
  const inTerminal = event.target instanceof Element && event.target.closest('.xterm') !== null;
  const take = (run: () => void) => {
    event.preventDefault();
    run();
  };
  if (mod && !event.altKey && !event.shiftKey) {
    const page = pages[Number(event.key) - 1];
    if (event.key === '`') take(toggleDock);
    else if (event.key === ',') take(() => navigate({ page: 'settings' }));
    else if (event.key.toLowerCase() === 'z' && !inTerminal && !isTyping(event.target)) undoLast() && event.preventDefault();
    else if (page) take(() => navigate({ page }));
    // Ctrl+K deletes to the end of the line in a shell: there it belongs to the shell.
    else if (event.key.toLowerCase() === 'k' && !(inTerminal && event.ctrlKey)) take(() => openDialog({ type: 'palette' }));
    return;
  }
  if (mod && event.shiftKey && event.key.toLowerCase() === 'p') {
    take(() => openDialog({ type: 'palette' }));
    return;
  }
  if (mod || event.altKey || isTyping(event.target) || inTerminal || useScreen.getState().dialog) return;
  if (event.key === '/') {
    const filter = document.querySelector<HTMLInputElement>('[data-filter]');
    if (filter) take(() => filter.focus());
  } else if (event.key === '?') take(() => openDialog({ type: 'shortcuts' }));
  else if (event.key === 'Escape' && !document.querySelector('[role="dialog"],[role="menu"]')) {
    const close = document.querySelector<HTMLButtonElement>('.page-detail .detail-title > .icon-button:last-child');
    close?.click();
  }
}
