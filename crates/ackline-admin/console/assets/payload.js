// What an entry holds, as text: escaped, collapsed if long, JSON in readable form. Never markup.

import { h, put } from './dom.js';
import { head, show } from './bytes.js';
import { copyButton } from './notice.js';
import { size } from './format.js';

const COLLAPSED_CHARS = 160;
const SHOWN_CHARS_MAX = 200_000;
const SUMMARY_CHARS = 240;

/** One line of an entry for tables: the fields behind one another, cut off. */
export function summary(fields) {
  if (!fields) return h('span', { class: 'dim' }, 'the entry was deleted; only its delivery is left');
  const parts = [];
  let room = SUMMARY_CHARS;
  for (const [name, value] of fields) {
    if (room <= 0) break;
    const text = show(head(value, room)).slice(0, room);
    parts.push(
      h(
        'span',
        { class: 'pair' },
        h('span', { class: 'field-name' }, show(head(name, 60)).slice(0, 60)),
        ' ',
        text,
      ),
    );
    room -= text.length + 10;
  }
  return h('span', { class: 'pairs' }, parts);
}

/** All fields of an entry, one under the other. */
export function fieldList(fields) {
  if (!fields) return summary(null);
  return h(
    'dl',
    { class: 'fields' },
    fields.map(([name, value]) => [h('dt', {}, show(name)), h('dd', {}, valueView(value))]),
  );
}

function valueView(value) {
  const plain = show(value, true);
  const pretty = prettyJson(value);
  if (!pretty && isShort(plain)) return h('pre', { class: 'value' }, plain);
  const text = pretty ?? plain;
  const long = text.length > COLLAPSED_CHARS * 4 || text.split('\n').length > 12;
  const pre = h('pre', { class: long ? 'value collapsed' : 'value', tabindex: long ? 0 : null }, cut(text));
  const buttons = h(
    'div',
    { class: 'value-tools' },
    copyButton(() => (typeof value === 'string' ? value : plain)),
  );
  if (pretty) buttons.prepend(toggle('As stored', 'As JSON', (on) => put(pre, cut(on ? plain : pretty))));
  if (long) buttons.prepend(toggle('Show all', 'Show less', (on) => pre.classList.toggle('collapsed', !on)));
  return [pre, buttons];
}

/** What is selected as easily as copied needs no buttons. */
function isShort(text) {
  return text.length <= 80 && !text.includes('\n');
}

function cut(text) {
  if (text.length <= SHOWN_CHARS_MAX) return text;
  return `${text.slice(0, SHOWN_CHARS_MAX)}\n… ${size(text.length - SHOWN_CHARS_MAX)} more: copy it to see all of it`;
}

function toggle(off, on, changed) {
  const button = h('button', { type: 'button', class: 'button small', 'aria-pressed': 'false' }, off);
  button.addEventListener('click', () => {
    const pressed = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(pressed));
    put(button, pressed ? on : off);
    changed(pressed);
  });
  return button;
}

/** Objects and arrays alone: a number or a quoted word gains nothing. */
function prettyJson(value) {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value) || value.length > SHOWN_CHARS_MAX) return null;
  try {
    JSON.parse(value);
  } catch {
    return null;
  }
  return show(indented(value), true);
}

/** Only the space between the tokens changes: to parse and print would round great numbers. */
function indented(json) {
  let depth = 0;
  const line = () => '\n' + '  '.repeat(depth);
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|[[\]{}:,]|[^\s[\]{}:,"]+/g) ?? [];
  return tokens
    .map((token) => {
      if (token === '{' || token === '[') return token + ((depth += 1), line());
      if (token === '}' || token === ']') return ((depth -= 1), line()) + token;
      if (token === ',') return ',' + line();
      return token === ':' ? ': ' : token.replace(/^([[{])\s*/, '$1');
    })
    .join('');
}
