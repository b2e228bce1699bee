// One group: how far it is, why it is stuck, who consumes, and what is pending.

import { h, setText } from '../dom.js';
import { createGroup, deleteConsumer, deleteGroup, releaseConsumer, resetGroup } from '../actions/groups.js';
import { get, groupPath, streamPath } from '../api.js';
import { encodeName, identity, show, word } from '../bytes.js';
import { findings } from '../findings.js';
import { NONE, count, oneUnit, rate, short, span } from '../format.js';
import { poll } from '../live.js';
import { empty } from '../notice.js';
import { Facts, REFRESH_MS, charts, healthMark, pageHead, replaced, section } from '../page.js';
import { pendingOf, pendingSection } from '../pending.js';
import { actionButton, canAct, readerNote } from '../session.js';
import { Table } from '../table.js';
import { serverNow } from '../time.js';

const FACTS = [
  [
    'Lag',
    (at) => lag(at),
    'Entries not yet delivered, and since when at most the first of them waits',
    (at) => (isBehind(at) ? 'warn' : ''),
  ],
  ['Pending', (at) => count(at.pending), 'Delivered, not yet acknowledged'],
  ['Oldest pending', (at) => span(at.oldest_pending_ms), 'Since its last delivery'],
  ['Released', (at) => count(at.released), 'Given back, without an owner'],
  ['Delivered', (at) => rate(at.delivered_per_second)],
  ['Acknowledged', (at) => rate(at.acked_per_second)],
  ['Drains in', (at) => drains(at), 'At the present rates'],
  ['Last delivered ID', (at) => at.last_delivered_id, null, () => 'id'],
];

/** More is added than delivered. */
function isBehind({ lag, drains_in_seconds: seconds, delivered_per_second: delivered }) {
  return lag > 0 && seconds === null && delivered !== null;
}

/** In entries and in time: what waits was added behind the last that was delivered. */
function lag({ lag: entries, last_delivered_id: last }) {
  const age = serverNow() - Number(last.split('-')[0]);
  const isTime = age >= 0 && age < TEN_YEARS_MS;
  return count(entries) + (entries > 0 && isTime ? `, ${oneUnit(age)}` : '');
}

function drains(group) {
  if (group.lag === 0) return 'nothing left';
  if (isBehind(group)) return 'it does not';
  return group.drains_in_seconds === null ? NONE : span(group.drains_in_seconds * 1000);
}

// An ID that lies further back is no time.
const TEN_YEARS_MS = 10 * 365 * 86_400_000;

const QUESTIONS = { ok: 'Is it stuck? No.', warn: 'What is wrong?', stuck: 'Why is it stuck?' };

export async function group(context) {
  const {
    params: { key, group: name },
    query,
    signal,
  } = context;
  const ask = () => get(groupPath(key, name), {}, signal);
  const [first, pending] = await Promise.all([ask(), pendingOf(key, name, query, signal)]);
  const facts = new Facts(FACTS);
  const why = findings();
  const consumers = consumerList(key, name);
  const health = replaced(h('span', {}));
  const question = h('span', {});
  const update = (now) => {
    facts.update(now);
    why.update(now.findings);
    consumers.update(now.consumers);
    health.show(now.health, () => healthMark(now.health));
    setText(question, QUESTIONS[now.health] ?? QUESTIONS.stuck);
  };
  update(withRows(first));
  poll(REFRESH_MS, signal, async () => update(withRows(await ask())));
  const node = h(
    'div',
    { class: 'page' },
    pageHead(show(name), {
      up: [
        ['Streams', '/streams'],
        [show(key), streamPath(key)],
      ],
      tags: health.node,
      actions: actions(key, first),
    }),
    readerNote(),
    facts.node,
    section(question, why.node),
    charts(chartsOf(key, name), context),
    section('Consumers', consumers.node),
    pendingSection(key, name, pending, query, withRows(first).consumers),
  );
  return { title: `${show(name)} of ${show(key)}`, node };
}

/** A group has a number of consumers in lists, and the consumers themselves here. */
function withRows(group) {
  return { ...group, consumers: Array.isArray(group.consumers) ? group.consumers : [] };
}

function actions(key, row) {
  return [
    actionButton('Create another', () => createGroup(key)),
    actionButton('Move', () => resetGroup(key, row)),
    actionButton('Delete', () => deleteGroup(key, row), { danger: true }),
  ];
}

function chartsOf(key, name) {
  const of = (what) => `group/${encodeName(key)}/${encodeName(name)}/${what}`;
  return [
    {
      title: 'Waiting',
      lines: [
        { label: 'lag', name: of('lag') },
        { label: 'pending', name: of('pending') },
      ],
      format: short,
    },
    {
      title: 'Rates',
      lines: [
        { label: 'delivered', name: of('delivered') },
        { label: 'acked', name: of('acked') },
      ],
      format: rate,
    },
  ];
}

function consumerList(key, groupName) {
  const columns = [
    { name: 'name', title: 'Consumer', kind: 'name', sortable: true, value: ({ name }) => show(name) },
    {
      name: 'pending',
      title: 'Pending',
      kind: 'number',
      sortable: true,
      value: ({ pending }) => pending,
      cell: ({ pending }) => count(pending),
    },
    {
      name: 'idle',
      title: 'Idle',
      kind: 'number',
      width: 'span',
      explain: 'Since it asked for something',
      sortable: true,
      value: ({ idle_ms }) => idle_ms,
      cell: ({ idle_ms }) => span(idle_ms),
    },
    {
      name: 'inactive',
      title: 'Inactive',
      kind: 'number',
      width: 'span',
      explain: 'Since it got something',
      sortable: true,
      value: ({ inactive_ms }) => inactive_ms,
      cell: ({ inactive_ms }) => inactive(inactive_ms),
    },
    canAct() && {
      name: 'actions',
      title: 'Actions',
      kind: 'actions',
      width: 'buttons',
      value: ({ name, pending }) => [name, pending],
      cell: (row) => consumerActions(key, groupName, row),
    },
  ].filter(Boolean);
  const table = new Table({ label: 'Consumers', columns, key: ({ name }) => identity(name), sort: 'name' });
  const list = replaced(h('div', { class: 'list' }));
  const update = (rows) => {
    table.update(rows);
    list.show(rows.length > 0, () => (rows.length ? table.node : nobody(key, groupName)));
  };
  return { node: list.node, update };
}

function inactive(ms) {
  return ms === null || ms < 0 ? 'never' : span(ms);
}

function consumerActions(key, groupName, row) {
  return [
    row.pending > 0 &&
      actionButton('Release', () => releaseConsumer(key, groupName, row), {
        'aria-label': `Release what ${show(row.name)} holds`,
      }),
    actionButton('Delete', () => deleteConsumer(key, groupName, row), {
      danger: true,
      'aria-label': `Delete consumer ${show(row.name)}`,
    }),
  ];
}

function nobody(key, groupName) {
  return empty(
    'Nobody has consumed for this group yet.',
    h('pre', {}, `XREADGROUP GROUP ${word(groupName)} ann COUNT 10 BLOCK 5000 STREAMS ${word(key)} >`),
  );
}
