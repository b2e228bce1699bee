// "Why is it stuck?": what the server's doctor has found, with the commands that help.

import { h, setText } from './dom.js';
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
      return views.length ? views.map(({ node }) => node) : empty('It is not: nothing was found that holds this group up.');
    });
    for (const [index, finding] of found.entries()) views[index].update(finding);
  };
  return { node: list.node, update };
}

function view(finding) {
  const title = h('h3', {});
  const detail = h('p', {});
  let now = finding;
  const fix = finding.action && actionButton('Do it', () => runFinding(now), { 'aria-label': `Do it: ${finding.title}` });
  const node = h('article', { class: `finding ${finding.severity}` },
    h('div', { class: 'finding-head' }, h('span', { class: `severity ${finding.severity}` }, SEVERITY[finding.severity]), title, fix),
    detail, finding.commands.length > 0 && commandBlock(finding.commands));
  const update = (next) => {
    now = next;
    setText(title, next.title);
    setText(detail, next.detail);
  };
  return { node, update };
}
