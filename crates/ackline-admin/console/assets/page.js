// What pages are made of: a heading with the way up, facts side by side, sections, charts that keep up.

import { h, put, setText } from './dom.js';
import { get } from './api.js';
import { Chart } from './chart.js';
import { NONE } from './format.js';
import { attempt, poll } from './live.js';
import { address } from './router.js';

/** How long pages wait before they ask again. */
export const REFRESH_MS = 2000;

/** The same for what the server has to look around for. */
export const LOOK_AROUND_MS = 5000;

/** A heading; `up` are [label, path] of the pages above. */
export function pageHead(title, { up = [], tags = [], actions = [] } = {}) {
  const trail =
    up.length > 0 &&
    h(
      'nav',
      { class: 'trail', 'aria-label': 'Above this page' },
      up.map(([label, path]) => [
        h('a', { href: address(path) }, label),
        h('span', { 'aria-hidden': 'true' }, '/'),
      ]),
    );
  return h(
    'div',
    { class: 'page-head' },
    h('div', { class: 'page-title' }, trail, h('h1', { tabindex: -1 }, title), tags),
    h('div', { class: 'page-actions' }, actions),
  );
}

export function section(title, content, { actions = [], id = null } = {}) {
  return h(
    'section',
    { class: 'section', id },
    h('div', { class: 'section-head' }, h('h2', {}, title), h('div', { class: 'page-actions' }, actions)),
    content,
  );
}

/** Facts with labels, kept current in place. `facts` are [label, text of the data, explanation, attention of the data]. */
export class Facts {
  constructor(facts) {
    this.facts = facts.map(([label, text, title, mark]) => ({
      text,
      mark,
      value: h('dd', {}),
      label: h('dt', { title }, label),
    }));
    this.node = h(
      'dl',
      { class: 'facts' },
      this.facts.map(({ label, value }) => h('div', {}, label, value)),
    );
  }

  update(data) {
    for (const { text, mark, value } of this.facts) {
      setText(value, text(data));
      value.className = mark?.(data) ?? '';
    }
    return this;
  }
}

const RANGES = {
  '5m': ['5 min', '1s', 300],
  '1h': ['1 h', '1s', 3600],
  '1d': ['1 d', '1m', 1440],
  '7d': ['7 d', '1m', 10_080],
};

/**
 * Charts in a row, with a choice of the range that is part of the address. `charts` are as Chart takes
 * them, each line with the `name` that GET /series wants.
 */
export function charts(list, { query, signal }) {
  const range = RANGES[query.range] ? query.range : '5m';
  const [, step, points] = RANGES[range];
  const drawn = list.map((one) => new Chart(one));
  const names = list.flatMap(({ lines }) => lines.map(({ name }) => name));
  const refresh = async () => {
    const answer = await get('/series', { name: names, step, points }, signal);
    const found = answer.series ?? [answer];
    let next = 0;
    for (const [index, { lines }] of list.entries()) {
      drawn[index].update(found.slice(next, next + lines.length));
      next += lines.length;
    }
  };
  attempt(signal, refresh);
  poll(step === '1s' ? REFRESH_MS : 30_000, signal, refresh);
  return h(
    'section',
    { class: 'section', 'aria-label': 'Charts' },
    h(
      'div',
      { class: 'charts' },
      drawn.map(({ node }) => node),
    ),
    ranges(range, query),
  );
}

function ranges(current, query) {
  return h(
    'nav',
    { class: 'ranges', 'aria-label': 'Time range of the charts' },
    Object.entries(RANGES).map(([name, [label]]) =>
      h(
        'a',
        {
          href: address(location.pathname, { ...query, range: name === '5m' ? null : name }),
          'aria-current': name === current ? 'true' : null,
        },
        label,
      ),
    ),
  );
}

const HEALTH = { ok: 'ok', warn: 'warning', stuck: 'stuck' };

/** A mark for how a group is; nothing where the server has not looked. */
export function healthMark(health) {
  return HEALTH[health]
    ? h('span', { class: `health ${health}` }, HEALTH[health])
    : h('span', { class: 'dim' }, NONE);
}

/** Content that is built anew only when its fingerprint has changed. */
export function replaced(node) {
  let shown = null;
  const show = (fingerprint, build) => {
    const text = JSON.stringify(fingerprint);
    if (text !== shown) put(node, build());
    shown = text;
  };
  return { node, show };
}
