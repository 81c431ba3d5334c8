/** @returns calls `run` once for all calls of one turn of the event loop, at its end: several changes are one message */
export function onceATurn(run: () => void): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      run();
    });
  };
}
