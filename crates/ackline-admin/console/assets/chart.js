// Small line charts of one or two series. The size is fixed by CSS, so that nothing moves when values arrive.

import { h, put, s, setText } from './dom.js';
import { known } from './format.js';

const WIDTH = 400;
const HEIGHT = 96;
const TOP = 6;
const BOTTOM = 2;

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const dayClock = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/**
 * `lines` are [{label}], at most two; `format` makes a value readable; `binary` scales by 1024.
 */
export class Chart {
  constructor({ title, lines, format, binary = false }) {
    Object.assign(this, { title, format, binary, series: [] });
    this.svg = s('svg', {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    });
    this.top = h('span', { class: 'chart-top' });
    this.at = h('span', { class: 'chart-at' });
    this.values = lines.map(() => h('b', {}));
    this.from = h('span', {});
    this.to = h('span', {});
    this.cursor = h('span', { class: 'chart-cursor' });
    this.plot = h('div', { class: 'chart-plot', role: 'img' }, this.svg, this.top, this.cursor);
    const now = lines.map(({ label }, index) =>
      h('span', label ? { class: `legend line-${index}` } : {}, label, this.values[index]),
    );
    this.node = h(
      'figure',
      { class: 'chart' },
      h(
        'figcaption',
        {},
        h('span', { class: 'chart-title' }, title),
        this.at,
        h('span', { class: 'chart-now' }, now),
      ),
      this.plot,
      h('div', { class: 'chart-axis', 'aria-hidden': 'true' }, this.from, this.to),
    );
    this.plot.addEventListener('pointermove', (event) => this.point(event));
    this.plot.addEventListener('pointerleave', () => this.latest());
  }

  /** Shows series as GET /series gives them, in the order of `lines`. */
  update(series) {
    this.series = series.map(thin);
    const values = this.series.flatMap((one) => one.values.filter(known));
    const top = nice(Math.max(0, ...values), this.binary);
    put(
      this.svg,
      s('path', { class: 'chart-grid', d: `M0 ${HEIGHT / 2}H${WIDTH}` }),
      this.series.map(({ values }, index) => line(values, top, index)),
    );
    setText(this.top, values.length ? this.format(top) : 'No values yet');
    this.axis(this.series[0]);
    this.latest();
  }

  axis({ end, step_ms, values }) {
    const names = values.length * step_ms > 86_400_000 / 2 ? dayClock : clock;
    setText(this.from, names.format(end - (values.length - 1) * step_ms));
    setText(this.to, names.format(end));
  }

  latest() {
    this.cursor.hidden = true;
    setText(this.at, '');
    const texts = this.tell((values) => values.findLast(known));
    this.plot.setAttribute(
      'aria-label',
      `${this.title}: now ${texts.join(' and ')}, scale up to ${this.top.textContent}`,
    );
  }

  tell(choose) {
    return this.series.map(({ values }, index) => {
      const text = this.format(choose(values));
      setText(this.values[index], text);
      return text;
    });
  }

  /** The values under the pointer. */
  point(event) {
    const length = this.series[0]?.values.length;
    if (!length) return;
    const box = this.plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const index = Math.round(share * (length - 1));
    const { end, step_ms } = this.series[0];
    setText(this.at, dayClock.format(end - (length - 1 - index) * step_ms));
    this.tell((values) => values[index]);
    this.cursor.hidden = false;
    this.cursor.style.left = `${(index / Math.max(1, length - 1)) * 100}%`;
  }
}

/** More points than pixels draw nothing that can be seen: of neighbours the greatest stays. */
function thin(series) {
  const { values, step_ms } = series;
  const many = Math.ceil(values.length / WIDTH);
  if (many <= 1) return series;
  const kept = [];
  for (let end = values.length; end > 0; end -= many) {
    const group = values.slice(Math.max(0, end - many), end).filter(known);
    kept.unshift(group.length ? Math.max(...group) : null);
  }
  return { ...series, values: kept, step_ms: step_ms * many };
}

/** The end of the scale: 1, 2 or 5 times a power of ten, so that it does not change with every value. */
function nice(value, binary) {
  if (value <= 0) return 1;
  // Of sizes the number before the unit is the round one.
  const unit = binary ? 1024 ** Math.floor(Math.log(value) / Math.log(1024)) : 1;
  const power = unit * 10 ** Math.floor(Math.log10(value / unit));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= value * 0.999);
}

function line(values, top, index) {
  const x = (position) => ((position / Math.max(1, values.length - 1)) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  let path = '';
  let area = '';
  let start = null;
  for (let position = 0; position <= values.length; position += 1) {
    const value = values[position];
    if (known(value)) {
      path += `${start === null ? 'M' : 'L'}${x(position)} ${y(value)}`;
      area += `${start === null ? `M${x(position)} ${HEIGHT}L` : 'L'}${x(position)} ${y(value)}`;
      start ??= position;
    } else if (start !== null) {
      area += `L${x(position - 1)} ${HEIGHT}Z`;
      start = null;
    }
  }
  return [
    index === 0 && s('path', { class: 'chart-area', d: area }),
    s('path', { class: `chart-line line-${index}`, d: path }),
  ].filter(Boolean);
}
