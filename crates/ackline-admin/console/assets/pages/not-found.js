import { h } from '../dom.js';
import { pageHead } from '../page.js';
import { address } from '../router.js';

export function notFound() {
  return {
    title: 'Not found',
    node: h(
      'div',
      { class: 'page' },
      pageHead('Not found'),
      h('p', {}, `There is no page ${location.pathname}.`),
      h(
        'p',
        {},
        h('a', { href: address('/streams') }, 'All streams'),
        ' · ',
        h('a', { href: address('/') }, 'Overview'),
      ),
    ),
  };
}
