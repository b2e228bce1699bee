// Shortcuts. One table says what there is: the keys work by it and the help shows it.

import { h } from './dom.js';
import { openDialog } from './dialog.js';
import { address, go, reload } from './router.js';

const SEQUENCE_MS = 1200;
const goTo = (path) => () => go(address(path));

const KEYS = [
  ['g o', 'Overview', goTo('/')],
  ['g s', 'Streams', goTo('/streams')],
  ['g d', 'Dead letters', goTo('/dead')],
  ['g c', 'Clients', goTo('/clients')],
  ['g l', 'Slow log', goTo('/slowlog')],
  ['g f', 'Configuration', goTo('/config')],
  ['/', 'Search on this page', () => press('[data-key="/"]')],
  ['n', 'Add an entry', () => press('[data-key="n"]')],
  ['p', 'Pause or resume the live tail', () => press('[data-key="p"]')],
  ['r', 'Load this page again', () => reload()],
  ['t', 'Light, dark or the system’s theme', () => press('[data-key="t"]')],
  ['j k ↓ ↑', 'Next or previous row of a table', null],
  ['Esc', 'Close a dialog, leave a field', null],
  ['?', 'This help', () => help()],
];

let before = { key: '', at: 0 };

/** Fields are focused, buttons are pressed. */
function press(selector) {
  const control = document.querySelector(selector);
  if (!control) return;
  if (control.matches('input, select')) control.focus();
  else control.click();
}

export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && isTyping(event.target)) return event.target.blur();
    if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
    const pair = event.timeStamp - before.at < SEQUENCE_MS ? `${before.key} ${event.key}` : '';
    const found = KEYS.find(([keys, , run]) => run && (keys === pair || keys === event.key));
    before = { key: event.key, at: event.timeStamp };
    if (!found) return;
    event.preventDefault();
    before.at = 0;
    found[2]();
  });
}

function isTyping(target) {
  return target.matches?.(
    'input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]',
  );
}

export function help() {
  return openDialog('Keyboard', () =>
    h(
      'dl',
      { class: 'keys' },
      KEYS.map(([keys, what]) => [
        h(
          'dt',
          {},
          keys.split(' ').map((key) => h('kbd', {}, key)),
        ),
        h('dd', {}, what),
      ]),
    ),
  );
}
