// Dialogs: the browser's own element, which traps focus, closes with Escape and gives the focus back.

import { h, put } from './dom.js';
import { act } from './api.js';
import { count, plural } from './format.js';
import { rested } from './live.js';
import { commandBlock, errorBox, toast } from './notice.js';

const DRY_RUN_REST_MS = 200;

/** Opens a dialog. `build(close)` gives its content; the promise is what `close` was given, or null. */
export function openDialog(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { class: wide ? 'dialog wide' : 'dialog', 'aria-label': title });
    let result = null;
    const close = (value = null) => {
      result = value;
      dialog.close();
    };
    const shut = h(
      'button',
      { type: 'button', class: 'button ghost', 'aria-label': 'Close', onclick: () => close() },
      '×',
    );
    dialog.append(h('header', {}, h('h2', {}, title), shut), ...[build(close)].flat());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(result);
    });
    // A page that is left takes its dialogs along.
    window.addEventListener('popstate', () => dialog.open && close(), { once: true });
    document.body.append(dialog);
    dialog.showModal();
    // Not what closes it: the first thing to fill in, or the way back.
    dialog.querySelector('form :is(input, textarea), form footer button')?.focus();
  });
}

/**
 * An action from question to answer: its form, what it would do (asked anew when the form changes), the command, the run.
 *
 * `action()` gives what to send, or null while the form is not complete. `loss(matched)` says what cannot be undone;
 * `done(result)` what to say afterwards. Gives the result, or null if it was not run.
 */
export async function runAction({
  title,
  body = [],
  action,
  verb,
  danger = false,
  loss,
  matches,
  done,
  wide,
}) {
  const result = await openDialog(
    title,
    (close) => actionForm({ body, action, verb, danger, loss, matches }, close),
    { wide },
  );
  if (result) toast(done ? done(result) : `Done: ${verb.toLowerCase()}.`);
  return result;
}

function actionForm({ body, action, verb, danger, loss, matches }, close) {
  const preview = h('div', { class: 'preview', 'aria-live': 'polite' });
  const submit = h(
    'button',
    { type: 'submit', class: danger ? 'button danger solid' : 'button primary', disabled: true },
    verb,
  );
  const cancel = h('button', { type: 'button', class: 'button', onclick: () => close() }, 'Cancel');
  const form = h('form', { method: 'dialog', class: 'form' }, body, preview, h('footer', {}, cancel, submit));
  const ask = async () => {
    const asked = action();
    submit.disabled = true;
    if (!asked) return put(preview, h('p', { class: 'dim' }, 'Fill in the form; the command appears here.'));
    const shown = await dryRun(asked, { loss, matches });
    // The form may have changed meanwhile; then another answer is on its way.
    if (JSON.stringify(action()) !== JSON.stringify(asked)) return;
    put(preview, shown.content);
    submit.disabled = !shown.possible;
  };
  const askSoon = rested(DRY_RUN_REST_MS, ask);
  form.addEventListener('input', () => {
    // Nothing is run that is not what the preview shows.
    submit.disabled = true;
    askSoon();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!submit.disabled) send(action(), submit, preview, close);
  });
  ask();
  return form;
}

// Where nothing matches, these do nothing. Others do something to what is empty.
const NEEDS_ENTRIES = new Set([
  'ack',
  'nack',
  'claim',
  'redrive',
  'delete_entries',
  'trim',
  'release_consumer',
]);

async function dryRun(
  asked,
  { loss, matches = (result) => `${plural(result.matched, 'entry', 'entries')} match.` },
) {
  try {
    const result = await act(asked, true);
    const more = result.commands.length >= 20 ? 'The first 20 commands are shown.' : null;
    const content = [
      h(
        'p',
        { class: 'matched' },
        matches(result),
        result.truncated && ` At most ${count(10_000)} are changed at once: run it again for the rest.`,
      ),
      loss && h('p', { class: 'loss' }, loss(result)),
      commandBlock(result.commands, more),
    ];
    return { content, possible: result.matched > 0 || !NEEDS_ENTRIES.has(asked.action) };
  } catch (error) {
    return { content: errorBox(error), possible: false };
  }
}

async function send(action, submit, preview, close) {
  submit.disabled = true;
  try {
    close(await act(action));
  } catch (error) {
    put(preview, errorBox(error));
    submit.disabled = false;
  }
}

/** A labelled field of a form. */
export function field(label, input, help = null) {
  return h(
    'label',
    { class: 'field' },
    h('span', { class: 'label' }, label),
    input,
    help && h('span', { class: 'help' }, help),
  );
}

/** Radio buttons: `options` are [value, label, explanation]. Read the choice from `choice(node)`. */
export function choices(name, options, selected = options[0][0]) {
  return h(
    'fieldset',
    { class: 'choices' },
    options.map(([value, label, help]) =>
      h(
        'label',
        {},
        h('input', { type: 'radio', name, value, checked: value === selected }),
        h('span', {}, h('b', {}, label), help && h('span', { class: 'help' }, help)),
      ),
    ),
  );
}

export function choice(fieldset) {
  return fieldset.querySelector('input:checked').value;
}
