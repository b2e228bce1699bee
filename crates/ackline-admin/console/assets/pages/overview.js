// The server as a whole, and first of all what needs somebody.

import { h } from '../dom.js';
import { events, get, groupPath, streamPath } from '../api.js';
import { identity, show } from '../bytes.js';
import { count, rate, short, size, span } from '../format.js';
import { poll } from '../live.js';
import { empty } from '../notice.js';
import { Facts, LOOK_AROUND_MS, charts, healthMark, pageHead, replaced, section } from '../page.js';
import { address } from '../router.js';
import { Table } from '../table.js';

const CHARTS = [
  { title: 'Commands', lines: [{ name: 'ops' }], format: rate },
  {
    title: 'Network per second',
    lines: [
      { label: 'in', name: 'net_in' },
      { label: 'out', name: 'net_out' },
    ],
    format: size,
    binary: true,
  },
  { title: 'Memory', lines: [{ name: 'memory' }], format: size, binary: true },
  {
    title: 'Clients',
    lines: [
      { label: 'all', name: 'clients' },
      { label: 'blocked', name: 'blocked' },
    ],
    format: short,
  },
];

const bad = (isBad) => (data) => (isBad(data) ? 'bad' : '');

const FACTS = [
  ['Commands', (at) => rate(at.ops_per_second), 'Commands a second, over all connections'],
  ['Streams', (at) => count(at.totals?.streams)],
  ['Groups', (at) => count(at.totals?.groups)],
  ['Pending', (at) => count(at.totals?.pending), 'Delivered, not yet acknowledged'],
  [
    'Dead letters',
    (at) => count(at.totals?.dead),
    'Entries of streams that end in :dead',
    (at) => (at.totals?.dead ? 'warn' : ''),
  ],
  ['Clients', (at) => `${count(at.clients.connected)}, ${count(at.clients.blocked)} blocked`],
  ['Memory', (at) => size(at.memory.used) + (at.memory.max ? ` of ${size(at.memory.max)}` : '')],
];

const SERVER = [
  ['Version', (at) => at.server.version],
  ['Speaks as', (at) => `Redis ${at.server.redis_version}`],
  ['Port', (at) => String(at.server.port)],
  ['Up for', (at) => span(at.server.uptime_seconds * 1000)],
  [
    'appendfsync',
    (at) => at.server.appendfsync ?? 'nothing is kept',
    'When an acknowledged write is on disk',
  ],
  [
    'Persistence',
    (at) => (at.server.persistence_ok ? 'ok' : 'failing'),
    'Whether the log can be written',
    bad((at) => !at.server.persistence_ok),
  ],
  ['Log', (at) => size(at.log?.bytes), 'Bytes of the log on disk'],
  ['Peak memory', (at) => size(at.memory.peak)],
];

const ATTENTION = [
  {
    name: 'group',
    title: 'Group',
    kind: 'name',
    value: ({ stream, name }) => [stream, name],
    cell: groupLink,
  },
  {
    name: 'health',
    title: 'State',
    width: 'health',
    value: ({ health }) => health,
    cell: ({ health }) => healthMark(health),
  },
  { name: 'title', title: 'Why', kind: 'wide', value: ({ title }) => title ?? '' },
  { name: 'lag', title: 'Lag', kind: 'number', value: ({ lag }) => lag, cell: ({ lag }) => short(lag) },
  {
    name: 'pending',
    title: 'Pending',
    kind: 'number',
    value: ({ pending }) => pending,
    cell: ({ pending }) => short(pending),
  },
  {
    name: 'oldest',
    title: 'Oldest',
    kind: 'number',
    width: 'span',
    value: ({ oldest_pending_ms }) => span(oldest_pending_ms),
  },
];

export async function overview(context) {
  const { signal } = context;
  const [now, attention] = await Promise.all([get('/overview', {}, signal), get('/attention', {}, signal)]);
  const facts = new Facts(FACTS).update(now);
  const server = new Facts(SERVER).update(now);
  const needs = attentionList(attention.groups);
  events('/events', {}, signal, {
    tick: ({ overview: at }) => {
      facts.update(at);
      server.update(at);
    },
  });
  poll(LOOK_AROUND_MS, signal, async () => needs.update((await get('/attention', {}, signal)).groups));
  const node = h(
    'div',
    { class: 'page' },
    pageHead('Overview'),
    facts.node,
    section('Needs attention', needs.node),
    charts(CHARTS, context),
    section('Server', server.node),
  );
  return { title: 'Overview', node };
}

function groupLink({ stream, name }) {
  return [
    h('a', { href: address(groupPath(stream, name)) }, show(name)),
    ' ',
    h('a', { class: 'dim', href: address(streamPath(stream)) }, `of ${show(stream)}`),
  ];
}

/** The groups that somebody should look at, or that there are none. */
function attentionList(groups) {
  const list = replaced(h('div', { class: 'attention' }));
  const table = new Table({
    label: 'Groups that need attention',
    columns: ATTENTION,
    key: ({ stream, name }) => `${identity(stream)} ${identity(name)}`,
  });
  const update = (rows) => {
    table.update(rows);
    list.show(rows.length > 0, () => (rows.length ? table.node : allIsWell()));
  };
  update(groups);
  return { node: list.node, update };
}

function allIsWell() {
  return empty('No group is stuck or falling behind.');
}
