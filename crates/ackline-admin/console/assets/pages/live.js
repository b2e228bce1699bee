// A stream as it grows: entries as they are added, in a window that follows them, can be paused, and forgets the oldest.

import { h, put, setText } from '../dom.js';
import { addEntry } from '../actions/entries.js';
import { events, get, streamPath } from '../api.js';
import { show, word } from '../bytes.js';
import { contentCell, copyFields, idCell } from '../entries.js';
import { count } from '../format.js';
import { empty } from '../notice.js';
import { pageHead } from '../page.js';
import { address, go } from '../router.js';
import { actionButton } from '../session.js';

const SHOWN_MAX = 1000;
const RECONNECT_MS = 2000;
// So near to its end a window counts as being at its end.
const END_PX = 40;

export async function live({ params: { key }, query, signal }) {
  await get(streamPath(key), {}, signal);
  const tail = new Tail(key, query, signal);
  const pause = h(
    'button',
    { type: 'button', class: 'button primary pause', 'data-key': 'p', 'aria-pressed': 'false' },
    'Pause',
  );
  pause.addEventListener('click', () => {
    const paused = tail.toggle();
    pause.setAttribute('aria-pressed', String(paused));
    put(pause, paused ? 'Resume' : 'Pause');
  });
  const clear = h('button', { type: 'button', class: 'button', onclick: () => tail.clear() }, 'Clear');
  const tools = h('div', { class: 'filter' }, containsForm(query), pause, clear, tail.status);
  const add = actionButton('Add entry', () => addEntry({ stream: key }), { 'data-key': 'n' });
  const head = pageHead('Live tail', {
    up: [
      ['Streams', '/streams'],
      [show(key), streamPath(key)],
    ],
    actions: add,
  });
  return {
    title: `${show(key)} live`,
    node: h('div', { class: 'page tail-page' }, head, tools, tail.window),
  };
}

function containsForm(query) {
  const send = (event) => {
    event.preventDefault();
    go(address(location.pathname, Object.fromEntries(new FormData(event.target))));
  };
  return h(
    'form',
    { onsubmit: send, class: 'filter' },
    h(
      'label',
      {},
      h('span', {}, 'Contains'),
      h('input', {
        type: 'search',
        name: 'contains',
        value: query.contains ?? '',
        'data-key': '/',
        spellcheck: 'false',
      }),
    ),
    h('button', { type: 'submit', class: 'button' }, 'Filter'),
  );
}

class Tail {
  constructor(key, query, signal) {
    Object.assign(this, {
      key,
      query,
      signal,
      waiting: [],
      seen: 0,
      dropped: 0,
      paused: false,
      connected: false,
      from: '$',
      frame: null,
    });
    this.list = h('ol', { class: 'tail', role: 'log', 'aria-label': 'Entries as they are added' });
    this.hint = empty('Waiting for entries. To add one:', h('code', {}, `XADD ${word(key)} * item tea`));
    this.window = h(
      'div',
      { class: 'tail-window', tabindex: 0, 'aria-label': 'Live tail' },
      this.hint,
      this.list,
    );
    this.status = h('span', { class: 'tail-status dim', role: 'status' }, 'Connecting');
    this.connect();
  }

  /** After a lost connection it goes on behind the last entry seen, so that none is missed. */
  connect() {
    if (this.signal.aborted) return;
    const asked = { from: this.from, ...(this.query.contains && { contains: this.query.contains }) };
    const source = events(streamPath(this.key) + '/tail', asked, this.signal, {
      entry: (entry) => this.take(entry),
      open: () => this.set({ connected: true }),
      error: () => {
        source.close();
        this.set({ connected: false });
        setTimeout(() => this.connect(), RECONNECT_MS);
      },
    });
  }

  set(change) {
    Object.assign(this, change);
    this.describe();
  }

  take(entry) {
    this.from = entry.id;
    this.seen += 1;
    this.waiting.push(entry);
    if (this.waiting.length > SHOWN_MAX) {
      this.waiting.shift();
      this.dropped += 1;
    }
    this.schedule();
  }

  /** Many entries are one change of the page. */
  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.paused) this.flush();
      this.describe();
    });
  }

  flush() {
    const { window } = this;
    const atEnd = window.scrollHeight - window.scrollTop - window.clientHeight < END_PX;
    this.list.append(...this.waiting.map((entry) => this.row(entry)));
    this.waiting = [];
    this.hint.hidden = this.list.children.length > 0;
    const before = window.scrollHeight;
    while (this.list.children.length > SHOWN_MAX) this.list.firstChild.remove();
    // What is being read stays where it is.
    window.scrollTop = atEnd ? window.scrollHeight : window.scrollTop - (before - window.scrollHeight);
  }

  row({ id, at, fields }) {
    const again = () => addEntry({ stream: this.key, fields });
    return h(
      'li',
      {},
      h('div', {}, idCell(id, at)),
      contentCell(fields, () => [copyFields(fields), actionButton('Copy as new', again)]),
    );
  }

  toggle() {
    this.paused = !this.paused;
    if (!this.paused) this.flush();
    this.describe();
    return this.paused;
  }

  clear() {
    this.waiting = [];
    put(this.list);
    this.hint.hidden = false;
    this.set({ seen: 0, dropped: 0 });
  }

  describe() {
    const state = !this.connected
      ? 'Not connected, trying again'
      : this.paused
        ? `Paused, ${count(this.waiting.length)} waiting`
        : 'Live';
    const lost = this.dropped
      ? `, ${count(this.dropped)} not shown (more than ${count(SHOWN_MAX)} while paused)`
      : '';
    setText(this.status, `${state} · ${count(this.seen)} seen${lost}`);
    this.status.classList.toggle('is-live', this.connected && !this.paused);
  }
}
