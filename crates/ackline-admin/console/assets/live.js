// Keeping a page current: ask, show, wait, ask again. Never two questions at once, and none while nobody looks.

/** Runs `task` every `ms` until `signal` is aborted. An error goes to `failed` and does not end it. */
export function poll(ms, signal, task, failed = () => {}) {
  let timer = null;
  let asking = false;
  const step = async () => {
    if (document.hidden || asking || signal.aborted) return;
    clearTimeout(timer);
    asking = true;
    await task().catch((error) => signal.aborted || failed(error));
    asking = false;
    if (!signal.aborted) timer = setTimeout(step, ms);
  };
  document.addEventListener('visibilitychange', step, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  timer = setTimeout(step, ms);
}

/** Calls once input has rested for `ms`. */
export function rested(ms, call) {
  let timer = null;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(call, ms, ...args);
  };
}
