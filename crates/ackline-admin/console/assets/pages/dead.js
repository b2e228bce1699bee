// Dead letters: which streams hold them, why they are there, and the way back.

import { h } from '../dom.js';
import { redrive } from '../actions/dead.js';
import { addEntry, deleteEntries } from '../actions/entries.js';
import { get, groupPath, streamPath } from '../api.js';
import { encodeName, identity, show } from '../bytes.js';
import { Selection, bulkBar, contentCell, copyFields, idCell } from '../entries.js';
import { count } from '../format.js';
import { poll } from '../live.js';
import { empty } from '../notice.js';
import { REFRESH_MS, pageHead, replaced } from '../page.js';
import { address, go } from '../router.js';
import { actionButton, canAct, readerNote } from '../session.js';
import { Table } from '../table.js';

const PAGE = 50;
const PROVENANCE = /^dead-letter-/;

const deadPath = (key) => `/dead/${encodeName(key)}`;

export async function deadStreams({ query, signal }) {
  const ask = () => get('/dead', { cursor: query.cursor }, signal);
  const columns = [
    {
      name: 'name',
      title: 'Stream',
      kind: 'name',
      sortable: true,
      value: ({ name }) => show(name),
      cell: ({ name }) => h('a', { href: address(deadPath(name)) }, show(name)),
    },
    {
      name: 'length',
      title: 'Entries',
      kind: 'number',
      sortable: true,
      value: ({ length }) => length,
      cell: ({ length }) => count(length),
    },
    { name: 'reasons', title: 'Reasons', kind: 'wide', value: ({ reasons }) => reasons, cell: reasonsCell },
    { name: 'sources', title: 'Sources', kind: 'wide', value: ({ sources }) => sources, cell: sourcesCell },
    canAct() && {
      name: 'actions',
      title: 'Actions',
      kind: 'actions',
      width: 'button',
      value: ({ name }) => name,
      cell: ({ name }) =>
        actionButton('Redrive', () => redrive(name), { 'aria-label': `Redrive ${show(name)}` }),
    },
  ].filter(Boolean);
  const table = new Table({
    label: 'Streams of dead letters',
    columns,
    key: ({ name }) => identity(name),
    sort: '-length',
  });
  const list = replaced(h('div', { class: 'list' }));
  const update = ({ streams }) => {
    table.update(streams);
    list.show(streams.length > 0, () => (streams.length ? table.node : noDeadLetters()));
  };
  const first = await ask();
  update(first);
  poll(REFRESH_MS, signal, async () => update(await ask()));
  return {
    title: 'Dead letters',
    node: h(
      'div',
      { class: 'page' },
      pageHead('Dead letters'),
      readerNote(),
      list.node,
      morePages(first, query),
    ),
  };
}

function morePages({ cursor }, query) {
  const to = (next, label) =>
    h('a', { class: 'button', href: address('/dead', { ...query, cursor: next }) }, label);
  return h(
    'nav',
    { class: 'paging', 'aria-label': 'Pages of the list' },
    query.cursor && to(null, 'First page'),
    cursor !== '0' && to(cursor, 'Next page'),
  );
}

function noDeadLetters() {
  return empty(
    'There are no dead letters. A consumer that gives an entry up moves it to a stream whose name ends in :dead, ',
    h(
      'p',
      { class: 'dim' },
      'with fields dead-letter-reason, -error, -stream, -group, -consumer, -id and -deliveries behind its own.',
    ),
  );
}

function reasonsCell({ reasons, sampled }) {
  return [
    reasons.map(({ reason, count: number }) => [
      h('span', { class: 'tag' }, show(reason) || 'none given', ' ', count(number)),
      ' ',
    ]),
    sampled && h('span', { class: 'dim' }, 'of the newest 1,000'),
  ];
}

function sourcesCell({ sources }) {
  return sources.map(({ stream, group, count: number }) =>
    h('div', { class: 'line' }, sourceLink(stream, group), ' ', h('span', { class: 'dim' }, count(number))),
  );
}

function sourceLink(stream, group) {
  if (!stream) return h('span', { class: 'dim' }, 'unknown');
  const of = h('a', { href: address(streamPath(stream)) }, show(stream));
  return group ? [of, ' for ', h('a', { href: address(groupPath(stream, group)) }, show(group))] : of;
}

export async function deadEntries({ params: { key }, query, signal }) {
  const asked = { to: query.to, newest: 1, count: PAGE, contains: query.contains };
  const { entries, next } = await get(`${deadPath(key)}/entries`, asked, signal);
  const selection = new Selection((ids) => bar.update(ids));
  const selected = () => (selection.ids.size ? [...selection.ids] : null);
  const bar = bulkBar('Select entries, or take all of them:', [
    actionButton('Redrive', () => redrive(key, selected()), { primary: true }),
    actionButton('Delete selected', () => selected() && deleteEntries(key, selected()), { danger: true }),
  ]);
  const table = new Table({
    label: 'Dead letters',
    columns: entryColumns(key, selection),
    key: ({ id }) => id,
  });
  table.update(entries);
  const list = entries.length
    ? [canAct() && bar.node, table.node]
    : empty(query.contains ? 'No dead letter on this page contains this.' : 'No dead letters here any more.');
  const open = h('a', { class: 'button', href: address(streamPath(key)) }, 'As a stream');
  const node = h(
    'div',
    { class: 'page' },
    pageHead(show(key), { up: [['Dead letters', '/dead']], actions: [containsForm(query), open] }),
    readerNote(),
    list,
    paging(next, query),
  );
  return { title: show(key), node };
}

function entryColumns(key, selection) {
  return [
    canAct() && selection.column(),
    { name: 'id', title: 'ID', width: 'id', value: ({ id }) => id, cell: ({ id, at }) => idCell(id, at) },
    {
      name: 'reason',
      title: 'Reason',
      width: 'reason',
      value: ({ dead }) => dead,
      cell: ({ dead }) => reasonCell(dead),
    },
    {
      name: 'from',
      title: 'From',
      width: 'reason',
      value: ({ dead }) => dead,
      cell: ({ dead }) => provenance(dead),
    },
    {
      name: 'content',
      title: 'Content',
      kind: 'wide',
      value: ({ id }) => id,
      cell: (row) => contentCell(own(row.fields), () => tools(key, row)),
    },
  ].filter(Boolean);
}

function reasonCell(dead) {
  if (!dead) return h('span', { class: 'dim' }, 'says nothing');
  return [
    h('span', { class: 'tag' }, show(dead.reason ?? '') || 'none given'),
    dead.error && h('div', { class: 'dim clamp', title: show(dead.error) }, show(dead.error)),
  ];
}

function provenance(dead) {
  if (!dead?.stream) return h('span', { class: 'dim' }, 'unknown');
  return [
    h('div', {}, sourceLink(dead.stream, dead.group)),
    h(
      'div',
      { class: 'dim' },
      `${show(dead.consumer ?? '') || 'nobody'}, ${count(Number(dead.deliveries))} deliveries`,
    ),
    h('code', { class: 'id dim' }, show(dead.id ?? '')),
  ];
}

/** The fields that the entry had before it was moved. */
function own(fields) {
  return fields.filter(([name]) => typeof name !== 'string' || !PROVENANCE.test(name));
}

function tools(key, { id, fields, dead }) {
  return [
    copyFields(fields),
    actionButton('Redrive', () => redrive(key, [id])),
    actionButton('Copy as new', () => addEntry({ stream: dead?.stream ?? key, fields: own(fields) })),
    actionButton('Delete', () => deleteEntries(key, [id]), { danger: true }),
  ];
}

function containsForm(query) {
  const send = (event) => {
    event.preventDefault();
    go(address(location.pathname, Object.fromEntries(new FormData(event.target))));
  };
  return h(
    'search',
    {},
    h(
      'form',
      { class: 'filter', onsubmit: send },
      h('input', {
        type: 'search',
        name: 'contains',
        value: query.contains ?? '',
        placeholder: 'Contains',
        'aria-label': 'Find dead letters',
        'data-key': '/',
      }),
    ),
  );
}

function paging(next, query) {
  return h(
    'nav',
    { class: 'paging', 'aria-label': 'Pages of dead letters' },
    query.to &&
      h('a', { class: 'button', href: address(location.pathname, { ...query, to: null }) }, 'Newest'),
    next &&
      h(
        'a',
        { class: 'button', rel: 'next', href: address(location.pathname, { ...query, to: next }) },
        'Older',
      ),
  );
}
