import { useState } from 'react';

/**
 * For dialogs without a trigger: the focus goes back to where it was before they opened, so that the keyboard goes on there.
 *
 * @returns the handler for `onCloseAutoFocus`
 */
export function useReturnFocus(): (event: Event) => void {
  const [before] = useState(() => document.activeElement);
  return (event) => {
    event.preventDefault();
    // What the dialog led to (another dialog, a terminal) may have the focus already.
    if (document.activeElement && document.activeElement !== document.body) return;
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  };
}
