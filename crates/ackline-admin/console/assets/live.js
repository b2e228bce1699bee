// Keeping a page current: ask, show, wait, ask again. Never two questions at once, and none while nobody looks.

/** Tells by `stale` events whether what is shown is current: `error` is what the last question failed with, or null. */
export const freshness = Object.assign(new EventTarget(), { error: null });

function note(error) {
  if (freshness.error === error) return;
  freshness.error = error;
  freshness.dispatchEvent(new Event('stale'));
}

/** A page was built anew: it is current. */
export function current() {
  note(null);
}

/** Runs a task of a page; an error is told, unless the page was left meanwhile. */
export async function attempt(signal, task) {
  try {
    await task();
    if (!signal.aborted) note(null);
  } catch (error) {
    if (!signal.aborted) note(error);
  }
}

/** Runs `task` every `ms` until `signal` is aborted. An error does not end it. */
export function poll(ms, signal, task) {
  let timer = null;
  let asking = false;
  const step = async () => {
    if (document.hidden || asking || signal.aborted) return;
    clearTimeout(timer);
    asking = true;
    await attempt(signal, task);
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
