// Elements without markup. Text only ever becomes text nodes, so that nothing a stream holds can become HTML.

const SVG = 'http://www.w3.org/2000/svg';

/** An element: `h('a', {href, class: 'x', onclick: f}, 'text', child, [more], null)`. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replaces what is in an element. */
export function put(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** Sets a text only if it differs: a node that stays keeps selections and costs no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A short text for screen readers alone. */
export function hidden(text) {
  return h('span', { class: 'hidden' }, text);
}
