// Tables that are kept current in place: rows have keys, and a cell is touched only if what it shows has changed.

import { h, put, setText } from './dom.js';
import { short } from './format.js';

/**
 * A column: `name`, `title`, `value(row)` (what is compared and sorted by), and optionally `cell(row)` (text or node, by
 * default the value), `label` (if the title is no text), `explain`,
 * `sortable`, `kind` ("number", "name", "wide", "check", "actions"), `width` (a class of pages.css).
 */
export class Table {
  constructor({ label, columns, key, sort = null, sorted = () => {}, rowClass = () => '' }) {
    Object.assign(this, { columns, key, sort, rowClass });
    this.rows = new Map();
    this.body = h('tbody', { role: 'rowgroup' });
    this.heads = columns.map((column) => this.head(column, sorted));
    const table = h(
      'table',
      { class: 'table', role: 'table', 'aria-label': label },
      h(
        'colgroup',
        {},
        columns.map((column) => h('col', { class: `w-${column.width ?? column.kind ?? 'auto'}` })),
      ),
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, this.heads)),
      this.body,
    );
    this.node = h('div', { class: 'scroll-x' }, table);
    this.body.addEventListener('keydown', walk);
    this.markSort();
  }

  head(column, sorted) {
    const attributes = {
      role: 'columnheader',
      scope: 'col',
      class: column.kind ?? '',
      title: column.explain,
    };
    if (!column.sortable) return h('th', attributes, column.title);
    const click = () => {
      this.sort = this.sort === '-' + column.name ? column.name : '-' + column.name;
      this.markSort();
      this.update(
        [...this.rows.values()].map((kept) => kept.row),
        { reorder: true },
      );
      sorted(this.sort);
    };
    return h('th', attributes, h('button', { type: 'button', class: 'sort', onclick: click }, column.title));
  }

  markSort() {
    for (const [index, column] of this.columns.entries()) {
      if (!column.sortable) continue;
      const direction =
        this.sort === column.name ? 'ascending' : this.sort === '-' + column.name ? 'descending' : 'none';
      this.heads[index].setAttribute('aria-sort', direction);
    }
  }

  /** Shows these rows. While a page is live rows keep their places; `reorder` sorts them. */
  update(rows, { reorder = this.rows.size === 0 } = {}) {
    const wanted = new Map(rows.map((row) => [this.key(row), row]));
    for (const [key, kept] of this.rows) {
      if (wanted.has(key)) continue;
      kept.node.remove();
      this.rows.delete(key);
    }
    for (const [key, row] of wanted) this.place(key, row);
    if (reorder) this.order([...wanted.keys()]);
  }

  place(key, row) {
    const kept = this.rows.get(key) ?? this.add(key);
    kept.row = row;
    kept.node.className = this.rowClass(row);
    for (const [index, column] of this.columns.entries()) {
      const value = column.value(row);
      const fingerprint = typeof value === 'object' ? JSON.stringify(value) : String(value);
      if (kept.values[index] === fingerprint) continue;
      kept.values[index] = fingerprint;
      const content = column.cell ? column.cell(row) : fingerprint;
      if (typeof content === 'string') setText(kept.cells[index], content);
      else put(kept.cells[index], content);
    }
  }

  add(key) {
    const cells = this.columns.map((column) =>
      h('td', { role: 'cell', class: column.kind ?? '', 'data-label': column.label ?? column.title }),
    );
    const kept = { node: h('tr', { role: 'row' }, cells), cells, values: [], row: null };
    this.body.append(kept.node);
    this.rows.set(key, kept);
    return kept;
  }

  order(keys) {
    const column = this.columns.find(({ name }) => name === this.sort?.replace(/^-/, ''));
    const kept = keys.map((key) => this.rows.get(key));
    if (column)
      kept.sort((a, b) => compare(column.value(a.row), column.value(b.row), this.sort.startsWith('-')));
    const focused = document.activeElement;
    this.body.append(...kept.map(({ node }) => node));
    if (this.body.contains(focused)) focused.focus();
  }
}

/** A column of numbers that can be sorted by; `text` makes them readable. */
export function number(name, title, value, text = short, more = {}) {
  return { name, title, kind: 'number', sortable: true, value, cell: (row) => text(value(row)), ...more };
}

/** What is not known comes last, whichever way it is sorted. */
function compare(a, b, descending) {
  const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
  if (noA || noB) return noA - noB;
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  return descending ? -order : order;
}

/** Arrows and j/k go to the same control of the next row. */
function walk(event) {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (
    !step ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.matches('input:not([type=checkbox]), select')
  )
    return;
  const row = event.target.closest('tr');
  const cell = event.target.closest('td');
  const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  const target = next?.cells[cell.cellIndex]?.querySelector(CONTROLS) ?? next?.querySelector(CONTROLS);
  if (!target) return;
  event.preventDefault();
  target.focus();
}

const CONTROLS = 'a[href], button, input, summary';
