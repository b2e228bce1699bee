// Actions on a stream and its entries.

import { h } from '../dom.js';
import { editable, show, typed } from '../bytes.js';
import { choice, choices, field, runAction } from '../dialog.js';
import { streamPath } from '../api.js';
import { plural } from '../format.js';
import { address, go, reload } from '../router.js';

const FIELDS_MAX = 1000;

/** Adds an entry; with `fields` it starts from those of another. */
export async function addEntry({ stream = null, fields = [['', '']] }) {
  const key = h('input', {
    name: 'stream',
    required: true,
    value: stream === null ? '' : editable(stream),
    placeholder: 'orders',
    spellcheck: 'false',
  });
  const id = h('input', { name: 'id', placeholder: '*', spellcheck: 'false' });
  const editor = fieldsEditor(fields);
  const asked = () => {
    const pairs = editor.read();
    if (!key.value || pairs.length === 0) return null;
    return {
      action: 'add',
      stream: typed(key.value),
      fields: pairs,
      ...(id.value.trim() && { id: id.value.trim() }),
    };
  };
  const result = await runAction({
    title: 'Add an entry',
    verb: 'Add',
    wide: true,
    body: [
      field('Stream', key, stream === null ? 'It is made if there is none of this name.' : null),
      editor.node,
      field('ID', id, 'Empty or * : the server gives one.'),
    ],
    action: asked,
    matches: () => 'One entry is added.',
    done: () => 'The entry was added.',
  });
  if (!result) return;
  const path = address(streamPath(typed(key.value)));
  if (location.pathname === path.split('?')[0]) reload();
  else go(path);
}

/** Rows of names and values. Values may be long and have lines; bytes that cannot be typed are written `\xNN`. */
function fieldsEditor(fields) {
  const rows = h('div', { class: 'editor-rows' });
  const add = ([name, value]) => {
    if (rows.children.length >= FIELDS_MAX) return null;
    const input = h('input', {
      class: 'editor-name',
      value: editable(name),
      placeholder: 'field',
      'aria-label': 'Field',
      spellcheck: 'false',
    });
    const area = h('textarea', {
      class: 'editor-value',
      rows: 1,
      placeholder: 'value',
      'aria-label': 'Value',
      spellcheck: 'false',
    });
    area.value = editable(value);
    area.rows = Math.min(8, area.value.split('\n').length);
    const row = h('div', { class: 'editor-row' }, input, area);
    const remove = () => {
      row.remove();
      rows.dispatchEvent(new Event('input', { bubbles: true }));
    };
    row.append(
      h(
        'button',
        { type: 'button', class: 'button ghost', 'aria-label': 'Remove this field', onclick: remove },
        '×',
      ),
    );
    rows.append(row);
    return input;
  };
  fields.forEach(add);
  const more = h(
    'button',
    { type: 'button', class: 'button small', onclick: () => add(['', ''])?.focus() },
    'Add a field',
  );
  const read = () =>
    Array.from(rows.children, (row) => [
      row.querySelector('input').value,
      row.querySelector('textarea').value,
    ])
      .filter(([name, value]) => name || value)
      .map((pair) => pair.map(typed));
  return {
    read,
    node: h(
      'fieldset',
      { class: 'editor' },
      h('legend', { class: 'label' }, 'Fields'),
      rows,
      more,
      h(
        'span',
        { class: 'help' },
        String.raw`\xNN stands for a byte, \n for a line break, \\ for a backslash.`,
      ),
    ),
  };
}

export async function deleteEntries(stream, ids) {
  const what = plural(ids.length, 'entry', 'entries');
  const done = await runAction({
    title: `Delete ${what}`,
    verb: 'Delete',
    danger: true,
    action: () => ({ action: 'delete_entries', stream, ids }),
    loss: () =>
      `${what} of ${show(stream)} cannot be read any more, by no group. Groups that have them pending keep only their IDs.`,
    done: ({ affected }) => `${plural(affected, 'entry was', 'entries were')} deleted.`,
  });
  if (done) reload();
  return done;
}

export async function trimStream({ name, length }) {
  const how = choices('how', [
    ['maxlen', 'Keep the newest', 'so many entries stay'],
    ['minid', 'Keep from an ID on', 'older entries go; a time in ms is an ID too'],
  ]);
  const limit = h('input', {
    name: 'limit',
    required: true,
    inputmode: 'numeric',
    value: String(length),
    spellcheck: 'false',
  });
  const approx = h('input', { type: 'checkbox', name: 'approx' });
  const done = await runAction({
    title: `Trim ${show(name)}`,
    verb: 'Trim',
    danger: true,
    body: [
      how,
      field('Number or ID', limit),
      h('label', { class: 'tick' }, approx, ' about (~): whole blocks only, cheaper'),
    ],
    action: () => trimAction(name, choice(how), limit.value.trim(), approx.checked),
    matches: ({ matched }) =>
      `${plural(matched, 'entry', 'entries')} of ${plural(length, 'entry', 'entries')} would go.`,
    loss: ({ matched }) =>
      matched
        ? 'They are gone for every group, also where they are still to be delivered or pending.'
        : 'Nothing is lost.',
    done: ({ affected }) => `${plural(affected, 'entry was', 'entries were')} trimmed.`,
  });
  if (done) reload();
}

function trimAction(stream, how, limit, approx) {
  const right = how === 'maxlen' ? /^\d+$/.test(limit) : /^\d+(-\d+)?$/.test(limit);
  return right ? { action: 'trim', stream, [how]: how === 'maxlen' ? Number(limit) : limit, approx } : null;
}

export async function deleteStream({ name, length, groups }) {
  const number = Array.isArray(groups) ? groups.length : groups;
  const done = await runAction({
    title: `Delete ${show(name)}`,
    verb: 'Delete the stream',
    danger: true,
    action: () => ({ action: 'delete_stream', stream: name }),
    matches: () => `${plural(length, 'entry', 'entries')} and ${plural(number, 'group')}.`,
    loss: () => 'All of its entries, groups, consumers and pending entries are lost for good.',
    done: () => `${show(name)} was deleted.`,
  });
  if (done) go(address('/streams'));
}
