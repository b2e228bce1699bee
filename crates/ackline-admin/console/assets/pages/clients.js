// Who is connected.

import { h } from '../dom.js';
import { get } from '../api.js';
import { killClient } from '../actions/server.js';
import { show } from '../bytes.js';
import { size, span } from '../format.js';
import { poll } from '../live.js';
import { openDialog } from '../dialog.js';
import { REFRESH_MS, pageHead } from '../page.js';
import { actionButton, canAct, readerNote } from '../session.js';
import { Table } from '../table.js';

const seconds = (value) => span(Number(value) * 1000);

const COLUMNS = [
  {
    name: 'id',
    title: 'ID',
    kind: 'number',
    width: 'narrow',
    sortable: true,
    value: ({ id }) => Number(id),
    cell: ({ id }) => String(id),
  },
  {
    name: 'name',
    title: 'Client',
    kind: 'name',
    sortable: true,
    value: ({ name, addr }) => [name, addr],
    cell: clientName,
  },
  { name: 'user', title: 'User', width: 'short', sortable: true, value: ({ user }) => show(user) },
  {
    name: 'cmd',
    title: 'Last command',
    width: 'client',
    sortable: true,
    value: ({ cmd, db }) => `${show(cmd)} in db ${db}`,
  },
  {
    name: 'lib',
    title: 'Library',
    width: 'client',
    value: ({ lib_name, lib_ver }) =>
      [lib_name, lib_ver]
        .filter(Boolean)
        .map((text) => show(text))
        .join(' ') || '–',
  },
  {
    name: 'flags',
    title: 'Flags',
    width: 'narrow',
    value: ({ flags }) => flags,
    cell: ({ flags }) => h('abbr', { title: explain(flags) }, flags),
  },
  {
    name: 'age',
    title: 'Age',
    kind: 'number',
    width: 'span',
    sortable: true,
    value: ({ age_s }) => Number(age_s),
    cell: ({ age_s }) => seconds(age_s),
  },
  {
    name: 'idle',
    title: 'Idle',
    kind: 'number',
    width: 'span',
    sortable: true,
    value: ({ idle_s }) => Number(idle_s),
    cell: ({ idle_s }) => seconds(idle_s),
  },
  {
    name: 'mem',
    title: 'Memory',
    kind: 'number',
    sortable: true,
    value: ({ tot_mem }) => Number(tot_mem ?? 0),
    cell: ({ tot_mem }) => size(Number(tot_mem ?? 0)),
  },
];

const KILL = {
  name: 'kill',
  title: 'Actions',
  kind: 'actions',
  width: 'button',
  value: ({ id }) => id,
  cell: (row) =>
    actionButton('Kill', () => killClient(row), { danger: true, 'aria-label': `Kill client ${row.id}` }),
};

const FLAGS = {
  N: 'nothing special',
  b: 'waits in a blocking command',
  x: 'in a transaction',
  P: 'subscribed to channels',
  t: 'tracks keys',
  O: 'monitors',
  c: 'closes after its reply',
  A: 'closes at once',
  u: 'connected by a socket file',
  r: 'reads only',
  e: 'excluded from eviction',
};

function explain(flags) {
  return Array.from(flags, (flag) => FLAGS[flag] ?? flag).join(', ');
}

function clientName(row) {
  return h(
    'button',
    { type: 'button', class: 'link', onclick: () => details(row) },
    row.name ? `${show(row.name)} ` : '',
    h('span', { class: 'dim' }, row.addr),
  );
}

function details({ id, all }) {
  return openDialog(`Client ${id}`, () =>
    h(
      'dl',
      { class: 'fields' },
      Object.entries(all ?? {}).map(([name, value]) => [h('dt', {}, name), h('dd', {}, show(value) || '–')]),
    ),
  );
}

export async function clients({ query, signal }) {
  const ask = () => get('/clients', {}, signal);
  const columns = canAct() ? [...COLUMNS, KILL] : COLUMNS;
  const table = new Table({ label: 'Clients', columns, key: ({ id }) => id, sort: query.sort ?? 'id' });
  table.update((await ask()).clients);
  poll(REFRESH_MS, signal, async () => table.update((await ask()).clients));
  return {
    title: 'Clients',
    node: h('div', { class: 'page' }, pageHead('Clients'), readerNote(), table.node),
  };
}
