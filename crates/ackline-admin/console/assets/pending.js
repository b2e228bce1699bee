// The pending entries of a group, with what they hold: filtered, selected, and settled in bulk.

import { h } from './dom.js';
import { ack, claim, nack } from './actions/pending.js';
import { get, groupPath } from './api.js';
import { editable, identity, show, typed } from './bytes.js';
import { Selection, bulkBar, contentCell, copyFields, idCell } from './entries.js';
import { NONE, count } from './format.js';
import { empty } from './notice.js';
import { section } from './page.js';
import { address, go, reload } from './router.js';
import { actionButton, canAct } from './session.js';
import { Table } from './table.js';
import { serverNow, when } from './time.js';

const PAGE = 50;
const FILTERS = ['consumer', 'min_idle', 'min_deliveries', 'from', 'to'];
const UNITS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
// XNACK FATAL sets the count to the greatest number there is.
const FATAL = 2 ** 53;

export async function pendingOf(key, group, query, signal) {
  const asked = { ...queryFilter(query), count: PAGE, payload: 1 };
  if (query.cursor) asked.from = query.cursor;
  if (asked.consumer) asked.consumer = query.consumer;
  return get(groupPath(key, group) + '/pending', asked, signal);
}

/** The filter of the address, as actions take it. */
function queryFilter(query) {
  const filter = {};
  if (query.consumer) filter.consumer = typed(query.consumer);
  if (query.min_idle) filter.min_idle = milliseconds(query.min_idle);
  if (query.min_deliveries) filter.min_deliveries = Number(query.min_deliveries);
  if (query.from) filter.from = query.from;
  if (query.to) filter.to = query.to;
  return filter;
}

/** "90s", "5 min", "1h"; without a unit it is ms. */
function milliseconds(text) {
  const [, number, unit] = /^\s*([\d.]+)\s*([a-z]*)\s*$/.exec(text) ?? [];
  return Math.round(Number(number ?? 0) * (UNITS[unit || 'ms'] ?? 1));
}

export function pendingSection(key, group, { pending, next }, query, consumers) {
  const filter = queryFilter(query);
  const filtered = FILTERS.some((name) => query[name]);
  const selection = new Selection((ids) => bar.update(ids));
  const target = () => ({
    stream: key,
    group,
    ...(selection.ids.size ? { ids: [...selection.ids] } : { filter }),
  });
  const after = (result) => result && reload();
  const bar = bulkBar(filtered ? 'All that match the filter' : 'All pending entries', [
    actionButton('Acknowledge', () => ack(target()).then(after)),
    actionButton('Give back', () => nack(target()).then(after)),
    actionButton('Claim', () => claim(target(), consumers).then(after)),
  ]);
  const table = pendingTable(key, group, selection, consumers, after);
  table.update(pending);
  const list = pending.length
    ? [canAct() && bar.node, table.node]
    : empty(
        filtered
          ? 'No pending entry matches the filter.'
          : 'Nothing is pending: all that was delivered is acknowledged.',
      );
  const again = h('button', { type: 'button', class: 'button', onclick: () => reload() }, 'Load again');
  return section('Pending entries', [filterForm(query, consumers), list, paging(pending, next, query)], {
    actions: again,
    id: 'pending',
  });
}

function pendingTable(key, group, selection, consumers, after) {
  const loaded = serverNow();
  const tools = ({ id, fields }) => {
    const one = { stream: key, group, ids: [id] };
    return [
      fields && copyFields(fields),
      actionButton('Acknowledge', () => ack(one).then(after)),
      actionButton('Give back', () => nack(one).then(after)),
      actionButton('Claim', () => claim(one, consumers).then(after)),
    ];
  };
  const columns = [
    canAct() && selection.column(),
    { name: 'id', title: 'ID', width: 'id', value: ({ id }) => id, cell: ({ id }) => idCell(id) },
    {
      name: 'owner',
      title: 'Owner',
      width: 'short',
      value: ({ consumer }) => consumer && identity(consumer),
      cell: ownerCell,
    },
    {
      name: 'idle',
      title: 'Delivered',
      width: 'span',
      kind: 'number',
      value: ({ idle_ms }) => idle_ms,
      cell: ({ idle_ms }) => (idle_ms === null ? NONE : when(loaded - idle_ms)),
    },
    {
      name: 'deliveries',
      title: 'Deliveries',
      kind: 'number',
      width: 'span',
      value: ({ deliveries }) => deliveries,
      cell: deliveriesCell,
    },
    {
      name: 'content',
      title: 'Content',
      kind: 'wide',
      value: ({ id }) => id,
      cell: (row) => contentCell(row.fields, () => tools(row)),
    },
  ].filter(Boolean);
  return new Table({ label: 'Pending entries', columns, key: ({ id }) => id });
}

function ownerCell({ consumer }) {
  return consumer === null
    ? h('span', { class: 'tag', title: 'Given back; the next reader that claims gets it' }, 'released')
    : show(consumer);
}

function deliveriesCell({ deliveries }) {
  if (deliveries >= FATAL) return h('span', { class: 'tag bad', title: 'Marked by XNACK FATAL' }, 'fatal');
  return h('span', { class: deliveries > 3 ? 'bad' : '' }, count(deliveries));
}

function paging(rows, next, query) {
  return h(
    'nav',
    { class: 'paging', 'aria-label': 'Pages of pending entries' },
    h('span', { class: 'dim' }, `${count(rows.length)} on this page`),
    query.cursor &&
      h('a', { class: 'button', href: address(location.pathname, { ...query, cursor: null }) }, 'First page'),
    next &&
      h(
        'a',
        { class: 'button', rel: 'next', href: address(location.pathname, { ...query, cursor: next }) },
        'Next page',
      ),
  );
}

function filterForm(query, consumers) {
  const input = (name, attributes = {}) =>
    h('input', {
      name,
      value: query[name] ?? '',
      spellcheck: 'false',
      autocomplete: 'off',
      class: 'short',
      ...attributes,
    });
  const labelled = (text, control) => h('label', {}, h('span', {}, text), control);
  const send = (event) => {
    event.preventDefault();
    go(address(location.pathname, { range: query.range, ...Object.fromEntries(new FormData(event.target)) }));
  };
  const names = h(
    'datalist',
    { id: 'owners' },
    consumers.map(({ name }) => h('option', { value: editable(name) })),
  );
  return h(
    'search',
    {},
    h(
      'form',
      { class: 'filter', onsubmit: send },
      names,
      labelled('Owner', input('consumer', { list: 'owners', 'data-key': '/' })),
      labelled(
        'Idle at least',
        input('min_idle', {
          placeholder: '5 min',
          pattern: String.raw`\s*[\d.]+\s*(ms|s|m|min|h|d)?\s*`,
          title: 'such as 90s, 5 min or 1h',
        }),
      ),
      labelled('Deliveries at least', input('min_deliveries', { type: 'number', min: 0 })),
      labelled('From ID', input('from', { placeholder: '-' })),
      labelled('To ID', input('to', { placeholder: '+' })),
      h('button', { type: 'submit', class: 'button' }, 'Filter'),
      FILTERS.some((name) => query[name]) &&
        h('a', { class: 'button ghost', href: address(location.pathname, { range: query.range }) }, 'Clear'),
    ),
  );
}
