// Times that stay relative: "3 s ago" is refreshed once a second, for the whole page by one timer.

import { h, setText } from './dom.js';
import { ago, known, moment } from './format.js';

// What the server's clock is ahead of ours. Below the header's resolution of a second it is noise.
let skew = 0;

/** Learns the server's time from an answer's Date header. */
export function learnClock(header) {
  const server = Date.parse(header ?? '');
  if (Number.isNaN(server)) return;
  const difference = server - Date.now();
  skew = Math.abs(difference) > 2000 ? difference : 0;
}

export function serverNow() {
  return Date.now() + skew;
}

/** A moment, relative, with the absolute time in its title. */
export function when(at) {
  if (!known(at)) return h('span', { class: 'dim' }, 'never');
  return h(
    'time',
    { datetime: new Date(at).toISOString(), title: moment(at), 'data-at': at },
    ago(at, serverNow()),
  );
}

function refresh() {
  if (document.hidden) return;
  const now = serverNow();
  for (const time of document.querySelectorAll('time[data-at]'))
    setText(time, ago(Number(time.dataset.at), now));
}

setInterval(refresh, 1000);
