// Commands that took longer than slowlog-log-slower-than.

import { h } from '../dom.js';
import { get } from '../api.js';
import { resetSlowlog } from '../actions/server.js';
import { show } from '../bytes.js';
import { count } from '../format.js';
import { poll } from '../live.js';
import { commandBlock, empty } from '../notice.js';
import { REFRESH_MS, pageHead, replaced } from '../page.js';
import { actionButton, readerNote } from '../session.js';
import { Table } from '../table.js';
import { when } from '../time.js';

const COLUMNS = [
  { name: 'id', title: 'No.', kind: 'number', width: 'narrow', value: ({ id }) => id },
  {
    name: 'at',
    title: 'When',
    kind: 'number',
    sortable: true,
    value: ({ at }) => at,
    cell: ({ at }) => when(at),
  },
  {
    name: 'usec',
    title: 'Took',
    kind: 'number',
    sortable: true,
    value: ({ usec }) => usec,
    cell: ({ usec }) => took(usec),
  },
  {
    name: 'words',
    title: 'Command',
    kind: 'wide',
    value: ({ words }) => words,
    cell: ({ words }) => h('code', { class: 'line' }, words.map((word) => show(word)).join(' ')),
  },
  {
    name: 'client',
    title: 'Client',
    width: 'client',
    value: ({ client, name }) => (name ? `${show(name)} ${client}` : client),
  },
];

function took(usec) {
  return usec < 10_000 ? `${count(usec)} µs` : `${count(usec / 1000)} ms`;
}

export async function slowlog({ signal }) {
  const ask = () => get('/slowlog', { count: 128 }, signal);
  const table = new Table({ label: 'Slow commands', columns: COLUMNS, key: ({ id }) => id, sort: '-at' });
  const list = replaced(h('div', { class: 'list' }));
  const update = ({ entries }) => {
    table.update(entries, { reorder: true });
    list.show(entries.length > 0, () => (entries.length ? table.node : fine()));
  };
  update(await ask());
  poll(REFRESH_MS, signal, async () => update(await ask()));
  const reset = actionButton('Empty the slow log', resetSlowlog, { danger: true });
  return {
    title: 'Slow log',
    node: h('div', { class: 'page' }, pageHead('Slow log', { actions: reset }), readerNote(), list.node),
  };
}

function fine() {
  const ask = commandBlock(['CONFIG GET slowlog-log-slower-than']);
  return empty('No command was slow. What counts as slow, in microseconds, is a setting:', ask);
}
