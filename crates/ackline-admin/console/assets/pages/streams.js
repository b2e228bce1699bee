// All streams of a database: searched by pattern, sorted within a page, paged by the server's cursor.

import { h } from '../dom.js';
import { get, streamPath } from '../api.js';
import { addEntry } from '../actions/entries.js';
import { identity, show } from '../bytes.js';
import { count, rate, size, span } from '../format.js';
import { attempt, poll, rested } from '../live.js';
import { commandBlock, empty } from '../notice.js';
import { REFRESH_MS, pageHead, replaced } from '../page.js';
import { address } from '../router.js';
import { actionButton, readerNote } from '../session.js';
import { Table, number } from '../table.js';
import { when } from '../time.js';

const PAGE = 100;
const TYPING_REST_MS = 250;

const COLUMNS = [
  {
    name: 'name',
    title: 'Stream',
    kind: 'name',
    sortable: true,
    value: ({ name }) => show(name),
    cell: streamLink,
  },
  number('length', 'Length', (row) => row.length, count),
  number('in', 'In', (row) => row.added_per_second, rate),
  number('acked', 'Acked', (row) => row.acked_per_second, rate),
  number('groups', 'Groups', (row) => row.groups, count, { width: 'narrow' }),
  number('pending', 'Pending', (row) => row.pending),
  number('lag', 'Lag', (row) => row.lag),
  number('oldest', 'Oldest', (row) => row.oldest_pending_ms, span, {
    width: 'span',
    explain: 'Since the oldest pending entry was delivered',
  }),
  number('memory', 'Memory', (row) => row.memory, size),
  {
    name: 'last',
    title: 'Last added',
    kind: 'number',
    width: 'span',
    sortable: true,
    value: ({ last_added_at }) => last_added_at,
    cell: ({ last_added_at }) => when(last_added_at),
  },
];

export async function streams({ query: asked, signal }) {
  const query = { ...asked };
  const ask = () =>
    get('/streams', { match: pattern(query.match), cursor: query.cursor, count: PAGE }, signal);
  const table = new Table({
    label: 'Streams',
    columns: COLUMNS,
    key: ({ name }) => identity(name),
    sort: query.sort ?? 'name',
    sorted: (sort) => note({ sort }),
  });
  const list = replaced(h('div', { class: 'list' }));
  const pages = replaced(h('nav', { class: 'paging', 'aria-label': 'Pages of the list' }));
  const note = (change) => {
    Object.assign(query, change);
    history.replaceState(null, '', address('/streams', query));
  };
  const refresh = async (reorder) => {
    const found = await ask();
    table.update(found.streams, { reorder });
    list.show([found.streams.length > 0, query.match, query.cursor], () =>
      found.streams.length ? table.node : nothing(query),
    );
    pages.show([found.cursor, found.streams.length, query], () => paging(found, query));
  };
  await refresh(true);
  poll(REFRESH_MS, signal, refresh);
  const search = searchField(query, (match) => {
    note({ match, cursor: null });
    attempt(signal, () => refresh(true));
  });
  const add = actionButton('Add entry', () => addEntry({}), { primary: true, 'data-key': 'n' });
  const node = h(
    'div',
    { class: 'page' },
    pageHead('Streams', { actions: [search, add] }),
    readerNote(),
    list.node,
    pages.node,
  );
  return { title: 'Streams', node };
}

function streamLink({ name, is_dead_letters: dead }) {
  const link = h('a', { href: address(streamPath(name)) }, show(name));
  return dead ? [link, ' ', h('span', { class: 'tag' }, 'dead letters')] : link;
}

/** Words without a wildcard are looked for anywhere in the name. */
function pattern(text) {
  if (!text) return '*';
  return /[*?[]/.test(text) ? text : `*${text}*`;
}

function searchField(query, changed) {
  const input = h('input', {
    type: 'search',
    value: query.match ?? '',
    placeholder: 'Find, such as orders:*',
    'aria-label': 'Find streams by name or pattern',
    'data-key': '/',
    spellcheck: 'false',
  });
  input.addEventListener(
    'input',
    rested(TYPING_REST_MS, () => changed(input.value)),
  );
  return h('search', {}, input);
}

function paging({ cursor, streams: rows }, query) {
  const next =
    cursor !== '0' &&
    h('a', { class: 'button', rel: 'next', href: address('/streams', { ...query, cursor }) }, 'Next page');
  const first =
    query.cursor &&
    h('a', { class: 'button', href: address('/streams', { ...query, cursor: null }) }, 'First page');
  return [h('span', { class: 'dim' }, `${count(rows.length)} on this page`), first, next];
}

function nothing(query) {
  if (query.cursor) return empty('Nothing on this page. The search goes on with the next page.');
  if (query.match)
    return empty(
      `No stream’s name matches ${pattern(query.match)} in this database.`,
      h('a', { href: address('/streams') }, 'All streams'),
    );
  return empty(
    'There is no stream in this database yet. A stream begins with its first entry:',
    commandBlock(['XADD orders * item tea quantity 2']),
  );
}
