// What is around every page: navigation, database, theme, who is signed in, and the banner if the server is gone.

import { h, put, setText } from './dom.js';
import { connection, database, knock, post } from './api.js';
import { help } from './keys.js';
import { freshness } from './live.js';
import { mountToasts, toast } from './notice.js';
import { address, go, reload } from './router.js';
import { learn, session } from './session.js';
import { nextTheme, theme } from './theme.js';

const PAGES = [
  ['/', 'Overview'],
  ['/streams', 'Streams'],
  ['/dead', 'Dead letters'],
  ['/clients', 'Clients'],
  ['/slowlog', 'Slow log'],
  ['/config', 'Configuration'],
];
const DATABASES = 16;

export const main = h('main', { id: 'main', tabindex: -1 });
const announcer = h('div', { class: 'hidden', role: 'status', 'aria-live': 'polite' });
const banner = h('div', { class: 'banner', role: 'alert', hidden: true });
const links = PAGES.map(([path, title]) => h('a', { href: path, 'data-path': path }, title));
const databases = h(
  'select',
  { 'aria-label': 'Database', onchange: changeDatabase },
  Array.from({ length: DATABASES }, (_, number) => h('option', { value: number }, `db ${number}`)),
);
const themeButton = h('button', {
  type: 'button',
  class: 'button ghost',
  'data-key': 't',
  onclick: changeTheme,
});
const who = h('div', { class: 'who' });

export function mountShell() {
  const skip = h('a', { class: 'skip', href: '#main' }, 'Skip to the content');
  const brand = h(
    'a',
    { class: 'brand', href: '/' },
    h('img', { src: '/assets/icon.svg', alt: '', width: 22, height: 22 }),
    'Ackline',
  );
  const keys = h(
    'button',
    { type: 'button', class: 'button ghost', onclick: help, 'aria-label': 'Keyboard shortcuts' },
    '?',
  );
  document.body.append(
    skip,
    h(
      'header',
      { class: 'side' },
      brand,
      h('nav', { 'aria-label': 'Pages' }, links),
      h('div', { class: 'side-foot' }, h('div', { class: 'side-tools' }, databases, themeButton, keys), who),
    ),
    main,
    banner,
    announcer,
  );
  mountToasts();
  labelTheme();
  connection.addEventListener('state', showConnection);
  freshness.addEventListener('stale', showBanner);
  skip.addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
}

/** Marks where we are, and says so to screen readers. */
export function shellAt(title) {
  const top = '/' + location.pathname.split('/')[1];
  for (const link of links) {
    link.href = address(link.dataset.path);
    if (link.dataset.path === top) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  databases.value = String(database());
  document.title = title ? `${title} · Ackline` : 'Ackline';
  setText(announcer, title);
}

/** The user and the role; `false` hides all that needs a session. */
export function shellFor(signedIn) {
  document.body.classList.toggle('signed-out', !signedIn);
  const { me } = session;
  const out =
    me.login_required && h('button', { type: 'button', class: 'button ghost', onclick: signOut }, 'Sign out');
  put(
    who,
    h('span', { class: 'who-name', title: `Signed in as ${me.user}` }, me.user),
    h('span', { class: `role ${me.role}` }, me.role),
    out,
  );
}

async function signOut() {
  await post('/logout', {});
  await learn();
  go('/');
}

function changeDatabase() {
  const db = Number(databases.value);
  // What was open is of the other database: its list is the nearest page that both have.
  const top = '/' + location.pathname.split('/')[1];
  go(db ? `${top}?db=${db}` : top);
}

function changeTheme() {
  nextTheme();
  labelTheme();
}

function labelTheme() {
  const name = theme();
  put(themeButton, { system: '◐', light: '○', dark: '●' }[name]);
  themeButton.setAttribute('aria-label', `Theme: ${name}. Change it`);
  themeButton.title = `Theme: ${name}`;
}

function showConnection() {
  showBanner();
  if (connection.state !== 'ok') return;
  toast('The server answers again.');
  reload();
}

const TROUBLE = {
  loading: 'The server is loading its data. The console goes on once that is done.',
  unreachable: 'The server cannot be reached. Trying again every 2 seconds.',
};

function showBanner() {
  const { error } = freshness;
  const text = TROUBLE[connection.state] ?? (error && `What you see is no longer current: ${error.message}`);
  banner.hidden = !text;
  put(
    banner,
    h('span', {}, text),
    h(
      'button',
      { type: 'button', class: 'button', onclick: error && connection.state === 'ok' ? reload : knock },
      'Try now',
    ),
  );
}
