// What can be done with pending entries: some by their IDs, or all that a filter finds.

import { show, typed } from '../bytes.js';
import { choice, choices, field, runAction } from '../dialog.js';
import { plural } from '../format.js';
import { consumerInput } from './groups.js';

/** `target` is {stream, group, ids} or {stream, group, filter}. Each gives the result, or null. */
export function ack(target) {
  return runAction({
    title: `Acknowledge ${named(target)}`,
    verb: 'Acknowledge',
    danger: true,
    action: () => ({ action: 'ack', ...target }),
    loss: () => 'Acknowledged means done: the group does not deliver them again.',
    done: ({ affected }) => `${plural(affected, 'entry was', 'entries were')} acknowledged.`,
  });
}

const MODES = [
  ['FAIL', 'FAIL', 'they failed: delivered again, and the delivery counts'],
  ['SILENT', 'SILENT', 'they were not tried: delivered again as if this time had not been'],
  [
    'FATAL',
    'FATAL',
    'they are poison: the count goes to its maximum, so that consumers give them up as dead letters',
  ],
];

export function nack(target) {
  const mode = choices('mode', MODES);
  return runAction({
    title: `Give back ${named(target)}`,
    verb: 'Give back',
    body: mode,
    action: () => ({ action: 'nack', mode: choice(mode), ...target }),
    loss: () => 'Whoever still works on them is not told.',
    done: ({ affected }) => `${plural(affected, 'entry was', 'entries were')} given back.`,
  });
}

export function claim(target, consumers) {
  const { input, list } = consumerInput(consumers);
  return runAction({
    title: `Give ${named(target)} to a consumer`,
    verb: 'Claim',
    body: [field('Consumer', input, 'It gets them when it reads its history (an ID in place of >).'), list],
    action: () => (input.value ? { action: 'claim', consumer: typed(input.value), ...target } : null),
    loss: () => 'They leave whom they belong to now, and their delivery is counted.',
    done: ({ affected }) => `${plural(affected, 'entry', 'entries')} now belong to ${input.value}.`,
  });
}

function named({ ids, group }) {
  const of = `of ${show(group)}`;
  return ids ? `${plural(ids.length, 'pending entry', 'pending entries')} ${of}` : `pending entries ${of}`;
}
