// Signing in: as a user of the ACL, or with the admin port's token.

import { h, put } from '../dom.js';
import { post } from '../api.js';
import { field } from '../dialog.js';
import { reload } from '../router.js';
import { learn } from '../session.js';

export function login() {
  const user = h('input', {
    name: 'user',
    autocomplete: 'username',
    placeholder: 'default',
    spellcheck: 'false',
    autocapitalize: 'off',
  });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'current-password' });
  const token = h('input', { name: 'token', type: 'password', autocomplete: 'off' });
  const failure = h('div', { class: 'login-failure', role: 'alert' });
  const send = async (event) => {
    event.preventDefault();
    const asked = token.value
      ? { token: token.value }
      : { user: user.value || 'default', password: password.value };
    try {
      await post('/login', asked);
      await learn();
      reload();
    } catch (error) {
      put(failure, h('p', { class: 'error-text' }, error.message), error.hint && h('p', {}, error.hint));
      (token.value ? token : password).select();
    }
  };
  const form = h(
    'form',
    { class: 'form login', onsubmit: send },
    h('h1', { tabindex: -1 }, 'Sign in'),
    field('User', user),
    field('Password', password),
    h('p', { class: 'or' }, 'or'),
    field('Token', token, 'admin-token for everything, admin-read-token to look.'),
    failure,
    h('footer', {}, h('button', { type: 'submit', class: 'button primary' }, 'Sign in')),
  );
  return { title: 'Sign in', node: h('div', { class: 'page login-page' }, form) };
}
