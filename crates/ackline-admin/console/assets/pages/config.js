// The configuration as it stands; what may change while the server runs can be changed here.

import { h } from '../dom.js';
import { get } from '../api.js';
import { setConfig } from '../actions/server.js';
import { pageHead } from '../page.js';
import { address } from '../router.js';
import { actionButton, canAct, readerNote } from '../session.js';
import { Table } from '../table.js';

const COLUMNS = [
  {
    name: 'name',
    title: 'Directive',
    kind: 'name',
    sortable: true,
    value: ({ name }) => name,
    cell: ({ name }) => h('code', {}, name),
  },
  {
    name: 'value',
    title: 'Value',
    kind: 'wide',
    value: ({ value }) => value,
    cell: ({ value }) =>
      value === '' ? h('span', { class: 'dim' }, 'empty') : h('code', { class: 'line' }, value),
  },
  {
    name: 'mutable',
    title: 'Changes',
    width: 'client',
    sortable: true,
    value: ({ mutable }) => (mutable ? 'while it runs' : 'at the start only'),
  },
];

const EDIT = {
  name: 'edit',
  title: 'Actions',
  kind: 'actions',
  width: 'button',
  value: ({ name, value }) => [name, value],
  cell: (row) =>
    row.mutable && actionButton('Change', () => setConfig(row), { 'aria-label': `Change ${row.name}` }),
};

export async function config({ query, signal }) {
  const { parameters } = await get('/config', {}, signal);
  const columns = canAct() ? [...COLUMNS, EDIT] : COLUMNS;
  const table = new Table({ label: 'Configuration', columns, key: ({ name }) => name, sort: 'name' });
  const filter = h('input', {
    type: 'search',
    'data-key': '/',
    value: query.match ?? '',
    placeholder: 'Filter',
    'aria-label': 'Filter directives',
    spellcheck: 'false',
  });
  const none = h('p', { class: 'empty', hidden: true }, 'No directive has this in its name.');
  const update = () => {
    const found = parameters.filter(({ name }) => name.includes(filter.value.trim().toLowerCase()));
    none.hidden = found.length > 0;
    table.update(found, { reorder: true });
  };
  filter.addEventListener('input', () => {
    history.replaceState(null, '', address('/config', { ...query, match: filter.value }));
    update();
  });
  update();
  const head = pageHead('Configuration', { actions: h('search', {}, filter) });
  return { title: 'Configuration', node: h('div', { class: 'page' }, head, readerNote(), table.node, none) };
}
