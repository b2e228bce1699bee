// Who is looking: the user, and whether the server lets them change anything.

import { h } from './dom.js';
import { get } from './api.js';

/** What GET /me answered last. */
export const session = { me: { user: '', role: 'reader', login_required: false, authenticated: false } };

export async function learn() {
  session.me = await get('/me');
  return session.me;
}

export function canAct() {
  return session.me.role === 'operator';
}

export function needsLogin() {
  return session.me.login_required && !session.me.authenticated;
}

/** A button for an action, or nothing for who may not run it. */
export function actionButton(label, onclick, { danger = false, primary = false, ...attributes } = {}) {
  if (!canAct()) return null;
  const style = danger ? 'button danger' : primary ? 'button primary' : 'button';
  return h('button', { type: 'button', class: style, onclick, ...attributes }, label);
}

/** Why a page offers no actions. */
export function readerNote() {
  if (canAct()) return null;
  const who = session.me.user ? `User ${session.me.user} may` : 'You may';
  return h(
    'p',
    { class: 'note' },
    `${who} look but not change: actions are not offered. `,
    'Sign in with the operator token, or as a user whose ACL allows XACK.',
  );
}
