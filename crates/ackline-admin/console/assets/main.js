// Where the console starts: routes, the page that is shown, and what happens when one cannot be.

import { h, put } from './dom.js';
import { connection, knock } from './api.js';
import { startKeys } from './keys.js';
import { current } from './live.js';
import { errorBox } from './notice.js';
import { pageHead } from './page.js';
import { reload, start } from './router.js';
import { learn, needsLogin } from './session.js';
import { main, mountShell, shellAt, shellFor } from './shell.js';

import { clients } from './pages/clients.js';
import { config } from './pages/config.js';
import { deadEntries, deadStreams } from './pages/dead.js';
import { group } from './pages/group.js';
import { live } from './pages/live.js';
import { login } from './pages/login.js';
import { notFound } from './pages/not-found.js';
import { overview } from './pages/overview.js';
import { slowlog } from './pages/slowlog.js';
import { stream } from './pages/stream.js';
import { streams } from './pages/streams.js';

const ROUTES = {
  '/': overview,
  '/streams': streams,
  '/streams/:key': stream,
  '/streams/:key/live': live,
  '/streams/:key/groups/:group': group,
  '/dead': deadStreams,
  '/dead/:key': deadEntries,
  '/clients': clients,
  '/slowlog': slowlog,
  '/config': config,
};

let learned = false;
let arrived = false;

/**
 * A page is an async function of its context that gives {title, node}. It is put on the screen whole, once it has its
 * data: what is built up piece by piece moves under the reader's eyes.
 */
async function show(page, context) {
  main.setAttribute('aria-busy', 'true');
  const { title, node } = await build(page, context);
  if (context.signal.aborted) return;
  main.removeAttribute('aria-busy');
  shellAt(title);
  put(main, node);
  current();
  if (!context.stays && arrived) {
    window.scrollTo(0, 0);
    main.querySelector('h1')?.focus({ preventScroll: true });
  }
  // The first page is the browser's own affair: its focus begins at the top, where the skip link is.
  arrived = true;
}

async function build(page, context) {
  try {
    if (!learned) {
      await learn();
      learned = true;
    }
    const signedIn = !needsLogin();
    shellFor(signedIn);
    if (!signedIn) return login(context);
    return await (page ?? notFound)(context);
  } catch (error) {
    return failed(error, context);
  }
}

function failed(error, context) {
  if (!context.signal.aborted && error.name !== 'AbortError' && error.status === undefined)
    console.error(error);
  const again = error.status === 0 ? knock : () => reload();
  const title = error.status === 404 ? 'Not found' : 'This page cannot be shown';
  return { title, node: h('div', { class: 'page' }, pageHead(title), errorBox(error, again)) };
}

// A session has ended, or was refused. Asked once: the login page itself needs no session.
connection.addEventListener('login', async () => {
  if (needsLogin()) return;
  await learn();
  if (needsLogin()) reload();
});

mountShell();
startKeys();
start(ROUTES, show);
