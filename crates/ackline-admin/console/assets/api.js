// The one way to the server: /api/v1. What it cannot say by an answer it says by events on `connection`.

import { encodeName } from './bytes.js';
import { learnClock } from './time.js';

const BASE = '/api/v1';
const RETRY_MS = 2000;

/** An error in the server's own words, with its code, the HTTP status, and what to do if the server knows. */
export class ApiError extends Error {
  constructor(status, { code, message, hint }) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** Tells of `state` ("ok", "unreachable" or "loading") and of `login` (a session is needed). */
export const connection = Object.assign(new EventTarget(), { state: 'ok' });

let retry = null;

function become(state) {
  if (state !== 'ok' && retry === null) retry = setTimeout(knock, RETRY_MS);
  if (connection.state === state) return;
  connection.state = state;
  connection.dispatchEvent(new Event('state'));
}

/** Asks whether the server is there again. */
export async function knock() {
  clearTimeout(retry);
  retry = null;
  // The answer does not matter: `send` notes whether there was one.
  await send('/overview').catch(() => {});
}

/** GET; `query` leaves out what is empty. */
export function get(path, query = {}, signal = undefined) {
  const pairs = Object.entries({ db: database(), ...query }).flatMap(([name, value]) =>
    [value]
      .flat()
      .filter((one) => one !== '' && one !== null && one !== undefined)
      .map((one) => [name, String(one)]),
  );
  const text = new URLSearchParams(pairs).toString();
  return send(path + (text && '?' + text), { signal });
}

/** POST of JSON. */
export function post(path, body) {
  return send(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Runs an action, or with `dry` says what it would do. */
export function act(action, dry = false) {
  return post('/actions', { db: database(), ...action, dry_run: dry });
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(BASE + path, { credentials: 'same-origin', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    become('unreachable');
    throw new ApiError(0, { code: 'UNREACHABLE', message: 'The server cannot be reached.' });
  }
  learnClock(response.headers.get('date'));
  const body = await response.json().catch(() => null);
  const error = response.ok ? null : failure(response, body);
  become(error?.code === 'LOADING' ? 'loading' : 'ok');
  if (error?.status === 401 && path !== '/login') connection.dispatchEvent(new Event('login'));
  if (error) throw error;
  return body;
}

function failure(response, body) {
  const unknown = { code: 'HTTP', message: `The server answered ${response.status} ${response.statusText}` };
  return new ApiError(response.status, body?.error ?? unknown);
}

/** Server-sent events until `signal` is aborted; the browser reconnects by itself. */
export function events(path, query, signal, listeners) {
  const text = new URLSearchParams({ db: database(), ...query }).toString();
  const source = new EventSource(`${BASE}${path}?${text}`);
  for (const [name, listener] of Object.entries(listeners)) {
    source.addEventListener(name, (event) => listener(event.data ? JSON.parse(event.data) : null, source));
  }
  signal.addEventListener('abort', () => source.close());
  return source;
}

/** The database that the address names. */
export function database() {
  const number = Number(new URLSearchParams(location.search).get('db'));
  return Number.isInteger(number) && number > 0 ? number : 0;
}

export const streamPath = (key) => `/streams/${encodeName(key)}`;
export const groupPath = (key, group) => `${streamPath(key)}/groups/${encodeName(group)}`;
