// Real addresses: a route is a path with named parts, a page is a function of them. Links are ordinary links.

import { decodeName } from './bytes.js';

let routes = [];
let open = () => {};
let leave = new AbortController();

/** `table` maps paths such as `/streams/:key` to pages; `show(page, context)` puts a page on the screen. */
export function start(table, show) {
  routes = Object.entries(table).map(([path, page]) => ({ parts: path.split('/').slice(1), page }));
  open = show;
  window.addEventListener('popstate', () => render());
  document.addEventListener('click', follow);
  render();
}

/** Goes to an address of the console. */
export function go(address, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  return render(replace);
}

/** Builds the page of the present address anew, for instance after an action. */
export function reload() {
  return render(true);
}

function render(stays = false) {
  leave.abort();
  leave = new AbortController();
  const { page, params } = match(location.pathname);
  const query = Object.fromEntries(new URLSearchParams(location.search));
  return open(page, { params, query, signal: leave.signal, stays: stays === true });
}

function match(path) {
  const found = path
    .replace(/(.)\/$/, '$1')
    .split('/')
    .slice(1);
  for (const { parts, page } of routes) {
    const params = matchParts(parts, found);
    if (params) return { page, params };
  }
  return { page: null, params: {} };
}

function matchParts(parts, found) {
  if (parts.length !== found.length) return null;
  const params = {};
  for (const [index, part] of parts.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decodeName(found[index]);
    else if (part !== found[index]) return null;
  }
  return params;
}

function follow(event) {
  const link = event.target.closest?.('a[href]');
  const own = link && link.origin === location.origin && !link.target && !link.hasAttribute('download');
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!own || !plain || event.defaultPrevented || link.getAttribute('href').startsWith('#')) return;
  if (link.pathname.startsWith('/api/') || link.pathname.startsWith('/metrics')) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

/** An address with a query; keeps the database, leaves out what is empty. */
export function address(path, query = {}) {
  const db = new URLSearchParams(location.search).get('db');
  const all = Object.entries({ db, ...query }).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  const text = new URLSearchParams(all.map(([name, value]) => [name, String(value)])).toString();
  return path + (text && '?' + text);
}
