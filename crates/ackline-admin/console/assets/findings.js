// "Why is it stuck?": what the server's doctor has found, with the commands that help.

import { h, put, setText } from './dom.js';
import { runFinding } from './actions/groups.js';
import { commandBlock, empty } from './notice.js';
import { replaced } from './page.js';
import { actionButton } from './session.js';

const SEVERITY = { critical: 'critical', warn: 'warning', info: 'note' };

/** `update` takes the findings; their texts change in place, so that nobody loses the button they are about to press. */
export function findings() {
  const list = replaced(h('div', { class: 'findings' }));
  let views = [];
  const update = (found) => {
    const shape = found.map(({ severity, kind, commands, action }) => [severity, kind, commands, action]);
    list.show(shape, () => {
      views = found.map(view);
      return views.length
        ? views.map(({ node }) => node)
        : empty('It is not: nothing was found that holds this group up.');
    });
    for (const [index, finding] of found.entries()) views[index].update(finding);
  };
  return { node: list.node, update };
}

function view(finding) {
  const title = h('h3', {});
  const detail = h('p', {});
  let now = {};
  const label = finding.action && labelOf(finding.action);
  const fix =
    label &&
    actionButton(label, () => runFinding(now, label), { 'aria-label': `${label}: ${finding.title}` });
  const node = h(
    'article',
    { class: `finding ${finding.severity}` },
    h(
      'div',
      { class: 'finding-head' },
      h('span', { class: `severity ${finding.severity}` }, SEVERITY[finding.severity]),
      title,
      fix,
    ),
    detail,
    finding.commands.map((command) => commandBlock([command])),
  );
  const update = (next) => {
    setText(title, next.title);
    if (now.detail !== next.detail) put(detail, withCode(next.detail));
    now = next;
  };
  return { node, update };
}

const LABELS = {
  ack: 'Acknowledge',
  claim: 'Claim',
  release_consumer: 'Release',
  delete_consumer: 'Delete the consumer',
  reset_group: 'Move the group',
  delete_group: 'Delete the group',
  create_group: 'Create the group',
  trim: 'Trim',
};

function labelOf({ action, mode }) {
  if (action === 'nack') return mode === 'FATAL' ? 'Mark as FATAL' : 'Give back';
  return LABELS[action] ?? 'Do it';
}

/** What stands between backticks is code. */
function withCode(text) {
  return text.split('`').map((part, index) => (index % 2 ? h('code', {}, part) : part));
}
