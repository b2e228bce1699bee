// Actions on the server itself.

import { h } from '../dom.js';
import { field, runAction } from '../dialog.js';
import { show } from '../bytes.js';
import { reload } from '../router.js';

export async function killClient({ id, addr }) {
  const done = await runAction({
    title: `Kill client ${id}`,
    verb: 'Kill',
    danger: true,
    action: () => ({ action: 'kill_client', id }),
    matches: () => `The connection from ${show(addr)} is closed.`,
    loss: () =>
      'What it was about to be answered is lost to it. A client that reconnects by itself will be back.',
    done: () => `Client ${id} was disconnected.`,
  });
  if (done) reload();
}

export async function setConfig({ name, value }) {
  const input = h('input', { name: 'value', value, spellcheck: 'false', autocomplete: 'off' });
  const done = await runAction({
    title: `Change ${name}`,
    verb: 'Change',
    body: field(name, input, 'It holds until the server ends; CONFIG REWRITE writes it into the file.'),
    action: () => ({ action: 'config_set', name, value: input.value }),
    matches: () => `Now: ${value === '' ? 'empty' : value}`,
    done: () => `${name} is ${input.value}.`,
  });
  if (done) reload();
}

export async function resetSlowlog() {
  const done = await runAction({
    title: 'Empty the slow log',
    verb: 'Empty',
    danger: true,
    action: () => ({ action: 'slowlog_reset' }),
    matches: () => 'All entries of the slow log are forgotten.',
    done: () => 'The slow log is empty.',
  });
  if (done) reload();
}
