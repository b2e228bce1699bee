// Rows of entries: content that opens, and a selection.

import { h, put, setText } from './dom.js';
import { show } from './bytes.js';
import { plural } from './format.js';
import { copyButton } from './notice.js';
import { fieldList, summary } from './payload.js';
import { when } from './time.js';

/** An entry on one line, which opens to all of its fields. `tools` gives buttons for below them. */
export function contentCell(fields, tools = () => []) {
  const full = h('div', { class: 'entry-full' });
  const build = () =>
    full.firstChild || put(full, fieldList(fields), h('div', { class: 'entry-tools' }, tools()));
  return h('details', { class: 'entry', ontoggle: build }, h('summary', {}, summary(fields)), full);
}

/** A button that copies an entry's fields as JSON. */
export function copyFields(fields) {
  return copyButton(
    () =>
      JSON.stringify(
        Object.fromEntries(fields.map(([name, value]) => [show(name), show(value, true)])),
        null,
        2,
      ),
    'Copy as JSON',
  );
}

/** An ID with its time. */
export function idCell(id, at) {
  return [h('code', { class: 'id' }, id), at !== undefined && h('span', { class: 'id-time' }, when(at))];
}

/** What of a list is selected; `changed` is called with the IDs. */
export class Selection {
  constructor(changed) {
    Object.assign(this, { ids: new Set(), boxes: new Map(), changed });
    this.all = h('input', {
      type: 'checkbox',
      'aria-label': 'Select all on this page',
      onchange: () => this.setAll(this.all.checked),
    });
  }

  column() {
    return {
      name: 'select',
      title: this.all,
      label: '',
      kind: 'check',
      value: ({ id }) => id,
      cell: ({ id }) => this.box(id),
    };
  }

  box(id) {
    const box = h('input', {
      type: 'checkbox',
      'aria-label': `Select ${id}`,
      onchange: () => this.set(id, box.checked),
    });
    this.boxes.set(id, box);
    return box;
  }

  set(id, selected) {
    if (selected) this.ids.add(id);
    else this.ids.delete(id);
    this.all.checked = this.ids.size === this.boxes.size;
    this.all.indeterminate = this.ids.size > 0 && !this.all.checked;
    this.changed([...this.ids]);
  }

  setAll(selected) {
    for (const [id, box] of this.boxes) {
      box.checked = selected;
      this.set(id, selected);
    }
  }
}

/** A line above a list that says what its buttons apply to. `otherwise` = what they apply to if nothing is selected. */
export function bulkBar(otherwise, buttons) {
  const scope = h('span', { class: 'scope', 'aria-live': 'polite' }, otherwise);
  const update = (ids) =>
    setText(scope, ids.length ? `${plural(ids.length, 'entry', 'entries')} selected` : otherwise);
  return { node: h('div', { class: 'bulk' }, scope, buttons), update };
}

/** For fields of type datetime-local. */
export function localTime(ms) {
  if (!ms) return '';
  const date = new Date(Number(ms));
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
