// What the console says beside the data: errors, empty lists, short confirmations, commands to copy.

import { h, put } from './dom.js';

const TOAST_MS = 5000;
const toasts = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });

export function mountToasts() {
  document.body.append(toasts);
}

/** A short message that goes away by itself. */
export function toast(...content) {
  const message = h('div', { class: 'toast' }, content);
  toasts.append(message);
  setTimeout(() => message.remove(), TOAST_MS);
}

/** Something failed: the server's own words, and what to do. */
export function errorBox(error, again = null) {
  return h(
    'div',
    { class: 'error', role: 'alert' },
    h('p', { class: 'error-text' }, error.message),
    h('p', {}, error.hint ?? advice(error)),
    again && h('button', { type: 'button', class: 'button', onclick: again }, 'Try again'),
  );
}

const ADVICE = {
  UNREACHABLE: 'Is the server running? The console tries again by itself.',
  LOADING: 'The server is reading its data from disk. The console goes on by itself once that is done.',
  NOPERM: 'Your user may not run this command. An administrator can allow it with ACL SETUSER.',
  NOGROUP:
    'The group or its stream was deleted, or never existed in this database. Check the name and the database.',
  NOKEY: 'There is no such key in this database. It may have been deleted or emptied by another client.',
  WRONGTYPE: 'The key holds something other than a stream.',
  OOM: 'The server is at its memory limit: trim streams, or raise maxmemory under Configuration.',
  MISCONF: 'The server cannot write its log. See its log output; writes are refused until that works again.',
};

function advice(error) {
  if (ADVICE[error.code]) return ADVICE[error.code];
  if (error.status === 401) return 'Sign in again: the session has ended.';
  if (error.status === 403) return ADVICE.NOPERM;
  if (error.status === 404) return ADVICE.NOKEY;
  if (error.status === 429) return 'Too many requests or open pages. Close some and try again.';
  if (error.status >= 500) return 'The log output of the server says more.';
  return 'Correct the input and try again.';
}

/** Nothing to show: says so, and what to do about it. */
export function empty(text, ...more) {
  return h('div', { class: 'empty' }, h('p', {}, text), ...more);
}

/** Commands as redis-cli takes them, with a button that copies all of them. */
export function commandBlock(commands, more = null) {
  const text = commands.join('\n');
  return h(
    'div',
    { class: 'command' },
    h('pre', { tabindex: 0, 'aria-label': 'Command' }, h('code', {}, unbroken(text))),
    more && h('p', { class: 'dim' }, more),
    copyButton(() => text),
  );
}

/** Lines break between words, not at the hyphens of IDs. */
function unbroken(text) {
  return text.split(/(\s)/).map((part) => (part.trim() ? h('span', { class: 'word' }, part) : part));
}

/** Copies what `text` gives. */
export function copyButton(text, label = 'Copy') {
  const button = h('button', { type: 'button', class: 'button small copy' }, label);
  button.addEventListener('click', async () => {
    put(button, (await copy(text())) ? 'Copied' : 'Press Ctrl C');
    setTimeout(() => put(button, label), 1500);
  });
  return button;
}

/** Where the page is not from a secure context there is no clipboard; selecting is what remains. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

function copySelected(text) {
  const area = h('textarea', { class: 'hidden', readonly: true });
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  return copied;
}
