// Actions on groups and consumers.

import { h } from '../dom.js';
import { editable, show, typed } from '../bytes.js';
import { choice, choices, field, runAction } from '../dialog.js';
import { groupPath, streamPath } from '../api.js';
import { plural } from '../format.js';
import { address, go, reload } from '../router.js';

export async function createGroup(stream) {
  const name = h('input', { name: 'group', required: true, placeholder: 'shop', spellcheck: 'false' });
  const start = startChooser('0');
  const done = await runAction({
    title: `Create a group on ${show(stream)}`,
    verb: 'Create',
    body: [field('Name', name), start.node],
    action: () =>
      name.value &&
      start.read() && {
        action: 'create_group',
        stream,
        group: typed(name.value),
        id: start.read(),
        mkstream: false,
      },
    matches: () => 'The group is created.',
    done: () => `Group ${name.value} was created.`,
  });
  if (done) go(address(groupPath(stream, typed(name.value))));
}

export async function resetGroup(stream, { name, last_delivered_id: now }) {
  const start = startChooser('$');
  const done = await runAction({
    title: `Move group ${show(name)}`,
    verb: 'Move',
    danger: true,
    body: [h('p', {}, `It has been delivered everything up to ${now}.`), start.node],
    action: () => start.read() && { action: 'reset_group', stream, group: name, id: start.read() },
    matches: () => 'The group goes on from there.',
    loss: () =>
      'Going back delivers entries again; going forward leaves entries undelivered. What is pending stays pending.',
    done: () => `Group ${show(name)} was moved.`,
  });
  if (done) reload();
}

/** Where a group starts: the beginning, the end, an ID or a time. `read` gives the ID, or null while there is none. */
function startChooser(selected) {
  const where = choices(
    'start',
    [
      ['0', 'Beginning', 'every entry that the stream holds'],
      ['$', 'End', 'only what is added from now on'],
      ['id', 'Behind an ID', null],
      ['time', 'A time', 'what was added since'],
    ],
    selected,
  );
  const id = h('input', {
    name: 'start-id',
    placeholder: '1700000000000-0',
    'aria-label': 'ID',
    spellcheck: 'false',
  });
  const time = h('input', { name: 'start-time', type: 'datetime-local', step: 1, 'aria-label': 'Time' });
  where.children[2].append(id);
  where.children[3].append(time);
  for (const [input, value] of [
    [id, 'id'],
    [time, 'time'],
  ]) {
    input.addEventListener('focus', () => (where.querySelector(`[value=${value}]`).checked = true));
  }
  const read = () => {
    const chosen = choice(where);
    if (chosen === 'id') return /^\d+(-\d+)?$/.test(id.value.trim()) ? id.value.trim() : null;
    // A group delivers what is behind its ID, so the millisecond itself must not be in it.
    if (chosen === 'time')
      return time.value ? `${Math.max(0, new Date(time.value).getTime() - 1)}-18446744073709551615` : null;
    return chosen;
  };
  return { read, node: where };
}

export async function deleteGroup(stream, { name, pending, lag }) {
  const done = await runAction({
    title: `Delete group ${show(name)}`,
    verb: 'Delete the group',
    danger: true,
    action: () => ({ action: 'delete_group', stream, group: name }),
    matches: () =>
      `${plural(pending, 'pending entry', 'pending entries')}${lag ? ` and ${plural(lag, 'undelivered entry', 'undelivered entries')}` : ''}.`,
    loss: () =>
      'The group forgets what it has delivered and what is pending. The entries themselves stay in the stream.',
    done: () => `Group ${show(name)} was deleted.`,
  });
  if (done) go(address(streamPath(stream)));
}

export async function releaseConsumer(stream, group, { name }) {
  const done = await runAction({
    title: `Release what ${show(name)} holds`,
    verb: 'Release',
    action: () => ({ action: 'release_consumer', stream, group, consumer: name }),
    matches: ({ matched }) =>
      `${plural(matched, 'entry goes', 'entries go')} back to the group, to be delivered to others.`,
    loss: () => `If ${show(name)} is still working on them, they are worked on twice.`,
    done: ({ affected }) => `${plural(affected, 'entry was', 'entries were')} released.`,
  });
  if (done) reload();
}

export async function deleteConsumer(stream, group, { name, pending }) {
  const what = choices('release', [
    ['yes', 'Release first', 'its pending entries go back to the group, to be delivered to others'],
    ['no', 'Only delete', 'its pending entries are lost to the group: nobody gets them again'],
  ]);
  const done = await runAction({
    title: `Delete consumer ${show(name)}`,
    verb: 'Delete',
    danger: true,
    body: pending ? what : [],
    action: () => ({
      action: 'delete_consumer',
      stream,
      group,
      consumer: name,
      release: choice(what) === 'yes',
    }),
    matches: () => `It holds ${plural(pending, 'pending entry', 'pending entries')}.`,
    loss: () =>
      pending && choice(what) === 'no'
        ? `${plural(pending, 'entry', 'entries')} will not be delivered again.`
        : 'Nothing is lost.',
    done: () => `Consumer ${show(name)} was deleted.`,
  });
  if (done) reload();
}

/** What a finding of "Why is it stuck?" suggests. */
export async function runFinding({ title, action }, verb) {
  const done = await runAction({
    title,
    verb,
    action: () => action,
    done: ({ affected }) => `Done: ${plural(affected, 'entry', 'entries')}.`,
  });
  if (done) reload();
}

/** A consumer's name, with those that there are to choose from. */
export function consumerInput(consumers) {
  const list = h(
    'datalist',
    { id: 'consumers' },
    consumers.map(({ name }) => h('option', { value: editable(name) })),
  );
  const input = h('input', {
    name: 'consumer',
    required: true,
    list: 'consumers',
    spellcheck: 'false',
    autocomplete: 'off',
  });
  return { input, list };
}
