// What can be done with dead letters.

import { h } from '../dom.js';
import { show } from '../bytes.js';
import { field, runAction } from '../dialog.js';
import { plural } from '../format.js';
import { reload } from '../router.js';

/** Sends dead letters back to the streams that they come from: those with `ids`, or all. */
export async function redrive(stream, ids = null) {
  const limit = h('input', { name: 'limit', type: 'number', min: 1, max: 10_000, value: 1000 });
  const done = await runAction({
    title: ids ? `Redrive ${plural(ids.length, 'dead letter')}` : `Redrive ${show(stream)}`,
    verb: 'Redrive',
    body: ids
      ? []
      : field('At most', limit, 'The oldest first. Some first, to see whether they succeed now.'),
    action: () => ({ action: 'redrive', stream, ...(ids ? { ids } : { limit: Number(limit.value) || 1 }) }),
    matches: ({ matched }) =>
      `${plural(matched, 'entry goes', 'entries go')} back to the stream it came from, with a new ID and counted anew.`,
    loss: () =>
      'Every group of that stream gets them, also those that had succeeded. They leave the dead letters in the same step.',
    done: ({ affected }) => `${plural(affected, 'entry was', 'entries were')} sent back.`,
  });
  if (done) reload();
  return done;
}
