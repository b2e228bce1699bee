// One stream: what it is, its groups, and its entries, searched and paged both ways.

import { h } from '../dom.js';
import { addEntry, deleteEntries, deleteStream, trimStream } from '../actions/entries.js';
import { createGroup } from '../actions/groups.js';
import { get, groupPath, streamPath } from '../api.js';
import { encodeName, identity, show, word } from '../bytes.js';
import { Selection, bulkBar, contentCell, copyFields, idCell, localTime } from '../entries.js';
import { count, rate, short, size, span } from '../format.js';
import { poll } from '../live.js';
import { commandBlock, empty } from '../notice.js';
import { Facts, REFRESH_MS, charts, healthMark, pageHead, replaced, section } from '../page.js';
import { address, go } from '../router.js';
import { actionButton, canAct, readerNote } from '../session.js';
import { Table, number } from '../table.js';

const PAGE = 50;
const FILTERS = ['field', 'value', 'contains', 'since', 'until'];

const id = () => 'id';

const FACTS = [
  ['Length', (at) => count(at.length)],
  ['In', (at) => rate(at.added_per_second), 'Entries added a second'],
  ['Pending', (at) => count(at.pending), 'Over all groups'],
  ['Memory', (at) => size(at.memory)],
  ['Ever added', (at) => count(at.entries_added)],
  ['First ID', (at) => at.first_id ?? '–', null, id],
  ['Last ID', (at) => at.last_id, null, id],
  ['Deleted up to', (at) => at.max_deleted_id, 'The greatest ID that was deleted', id],
];

const groupColumns = (stream) => [
  {
    name: 'name',
    title: 'Group',
    kind: 'name',
    sortable: true,
    value: ({ name }) => show(name),
    cell: ({ name }) => h('a', { href: address(groupPath(stream, name)) }, show(name)),
  },
  {
    name: 'health',
    title: 'State',
    width: 'health',
    value: ({ health }) => health,
    cell: ({ health }) => healthMark(health),
  },
  number('lag', 'Lag', (row) => row.lag),
  number('pending', 'Pending', (row) => row.pending),
  number('oldest', 'Oldest', (row) => row.oldest_pending_ms, span, {
    width: 'span',
    explain: 'Since the oldest pending entry was delivered',
  }),
  number('delivered', 'Delivered', (row) => row.delivered_per_second, rate),
  number('acked', 'Acked', (row) => row.acked_per_second, rate),
  number('drains', 'Drains in', (row) => drains(row), span, { width: 'span' }),
  number('consumers', 'Consumers', (row) => row.consumers, count, { width: 'span' }),
];

function drains({ drains_in_seconds: seconds }) {
  return seconds === null ? null : seconds * 1000;
}

export async function stream(context) {
  const {
    params: { key },
    query,
    signal,
  } = context;
  const ask = () => get(streamPath(key), {}, signal);
  const [first, found] = await Promise.all([ask(), entriesOf(key, query, signal)]);
  const facts = new Facts(FACTS).update(first);
  const groups = groupList(key, first.groups);
  const entries = entrySection(key, first, found, query);
  poll(REFRESH_MS, signal, async () => {
    const now = await ask();
    facts.update(now);
    groups.update(now.groups);
    entries.newer(now.last_id);
  });
  const node = h(
    'div',
    { class: 'page' },
    pageHead(show(key), { up: [['Streams', '/streams']], tags: tags(first), actions: actions(first) }),
    readerNote(),
    facts.node,
    section('Groups', groups.node, { actions: actionButton('Create group', () => createGroup(key)) }),
    charts(chartsOf(key, first.groups), context),
    entries.node,
  );
  return { title: show(key), node };
}

function tags({ name, is_dead_letters: dead }) {
  return dead && h('a', { class: 'tag', href: address(`/dead/${encodeName(name)}`) }, 'dead letters');
}

function actions(row) {
  return [
    h('a', { class: 'button', href: address(streamPath(row.name) + '/live') }, 'Live tail'),
    actionButton('Trim', () => trimStream(row)),
    actionButton('Delete', () => deleteStream(row), { danger: true }),
    actionButton('Add entry', () => addEntry({ stream: row.name }), { primary: true, 'data-key': 'n' }),
  ];
}

/** What comes in, and what goes out by the group that does most. */
function chartsOf(key, groups) {
  const of = (what) => `stream/${encodeName(key)}/${what}`;
  const [busiest] = groups.toSorted((a, b) => (b.acked_per_second ?? 0) - (a.acked_per_second ?? 0));
  const acked = busiest && {
    label: `acked by ${show(busiest.name)}`,
    name: `group/${encodeName(key)}/${encodeName(busiest.name)}/acked`,
  };
  return [
    { title: 'Length', lines: [{ name: of('length') }], format: short },
    { title: 'Rates', lines: [{ label: 'added', name: of('added') }, acked].filter(Boolean), format: rate },
  ];
}

function groupList(key, rows) {
  const table = new Table({
    label: 'Groups',
    columns: groupColumns(key),
    key: ({ name }) => identity(name),
    sort: 'name',
  });
  const list = replaced(h('div', { class: 'list' }));
  const create = () =>
    empty('No group reads this stream yet.', commandBlock([`XGROUP CREATE ${word(key)} shop 0`]));
  const update = (found) => {
    table.update(found);
    list.show(found.length > 0, () => (found.length ? table.node : create()));
  };
  update(rows);
  return { node: list.node, update };
}

/** A page of entries, newest first whichever way it was reached, and where the pages beside it begin. */
async function entriesOf(key, query, signal) {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query[name]]));
  const forward = Boolean(query.from);
  const asked = forward ? { ...filter, from: query.from, newest: 0 } : { ...filter, to: query.to, newest: 1 };
  const { entries, next, scanned } = await get(
    streamPath(key) + '/entries',
    { ...asked, count: PAGE },
    signal,
  );
  const rows = forward ? entries.toReversed() : entries;
  const behind = (entry) => entry && `(${entry.id}`;
  return {
    rows,
    scanned,
    older: forward ? behind(rows.at(-1)) : next,
    newer: forward ? next : query.to && (behind(rows[0]) ?? query.to.replace(/^\(?/, '(')),
    searched: FILTERS.some((name) => query[name]),
  };
}

function entrySection(key, first, found, query) {
  const selection = new Selection((ids) => bar.update(ids));
  const bar = bulkBar(
    'Select entries to delete them.',
    actionButton('Delete selected', () => selection.ids.size && deleteEntries(key, [...selection.ids]), {
      danger: true,
    }),
  );
  const table = new Table({
    label: 'Entries',
    key: ({ id }) => id,
    columns: [
      ...(canAct() ? [selection.column()] : []),
      { name: 'id', title: 'ID', width: 'id', value: ({ id }) => id, cell: ({ id, at }) => idCell(id, at) },
      {
        name: 'content',
        title: 'Content',
        kind: 'wide',
        value: ({ id }) => id,
        cell: ({ id, fields }) => contentCell(fields, () => entryTools(key, id, fields)),
      },
    ],
  });
  table.update(found.rows);
  const fresh = h(
    'a',
    {
      class: 'button small fresh',
      href: address(location.pathname, { ...query, from: null, to: null }),
      hidden: true,
    },
    'There are newer entries: show them',
  );
  const newer = (last) => {
    fresh.hidden = last === first.last_id || Boolean(query.to || query.from);
  };
  const list = found.rows.length ? [canAct() && bar.node, table.node] : noEntries(first, found);
  const node = section('Entries', [filterForm(query), list, paging(found, query)], { actions: fresh });
  return { node, newer };
}

function entryTools(key, id, fields) {
  return [
    copyFields(fields),
    actionButton('Copy as new', () => addEntry({ stream: key, fields })),
    actionButton('Delete', () => deleteEntries(key, [id]), { danger: true }),
  ];
}

function noEntries({ name, length }, { searched, scanned, older, newer }) {
  if (searched && (older || newer))
    return empty(
      `Nothing among the ${count(scanned)} entries looked at so far. The search goes on with the next page.`,
    );
  if (searched) return empty(`No entry matches. ${count(scanned)} were looked at.`);
  if (length) return empty('No entries on this page.');
  return empty(
    'The stream is empty; its groups are still there.',
    commandBlock([`XADD ${word(name)} * item tea`]),
  );
}

function paging({ older, newer }, query) {
  const to = (change, text, rel) =>
    h(
      'a',
      {
        class: 'button',
        rel,
        href: address(location.pathname, { ...query, from: null, to: null, ...change }),
      },
      text,
    );
  return h(
    'nav',
    { class: 'paging', 'aria-label': 'Pages of entries' },
    (query.to || query.from) && to({}, 'Newest'),
    newer && to({ from: newer }, 'Newer', 'prev'),
    older && to({ to: older }, 'Older', 'next'),
  );
}

function filterForm(query) {
  const input = (name, attributes) =>
    h('input', { name, value: query[name] ?? '', spellcheck: 'false', autocomplete: 'off', ...attributes });
  const time = (name, label) =>
    h(
      'label',
      {},
      h('span', {}, label),
      input(name, { type: 'datetime-local', step: 1, value: localTime(query[name]) }),
    );
  const send = (event) => {
    event.preventDefault();
    const form = Object.fromEntries(new FormData(event.target));
    const [since, until] = [form.since, form.until].map((text) => (text ? new Date(text).getTime() : null));
    go(address(location.pathname, { range: query.range, ...form, since, until }));
  };
  return h(
    'search',
    {},
    h(
      'form',
      { class: 'filter', onsubmit: send },
      h('label', {}, h('span', {}, 'Contains'), input('contains', { type: 'search', 'data-key': '/' })),
      h('label', {}, h('span', {}, 'Field'), input('field', { class: 'short' })),
      h('label', {}, h('span', {}, 'is'), input('value', { class: 'short' })),
      time('since', 'Since'),
      time('until', 'Until'),
      h('button', { type: 'submit', class: 'button' }, 'Search'),
      FILTERS.some((name) => query[name]) &&
        h('a', { class: 'button ghost', href: address(location.pathname, { range: query.range }) }, 'Clear'),
    ),
  );
}
