// Keys, names, fields and values are bytes. The API sends them as strings where they are UTF-8, as {base64} where not.

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true });

/** The bytes of a value. */
function toBytes(value) {
  if (typeof value === 'string') return encoder.encode(value);
  return Uint8Array.from(atob(value.base64), (char) => char.charCodeAt(0));
}

/** A value of bytes, in the form in which the API sends it. */
function fromBytes(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return { base64: btoa(String.fromCharCode(...bytes)) };
  }
}

/** How a value is shown: what cannot be printed as `\xNN`. Line breaks stay if `lines` is set. */
export function show(value, lines = false) {
  if (typeof value === 'string') return value.replace(lines ? UNPRINTABLE_IN_LINES : UNPRINTABLE, escapeChar);
  return Array.from(toBytes(value), (byte) =>
    byte > 31 && byte < 127 ? String.fromCharCode(byte) : hex(byte),
  ).join('');
}

/** The beginning of a value, at least `length` long if it has so many: great ones are not shown whole. */
export function head(value, length) {
  if (typeof value === 'string') return value.slice(0, length);
  return { base64: value.base64.slice(0, Math.ceil(length / 3) * 4) };
}

// Controls, and what makes text lie about its order or its being there (bidirectional and invisible marks).
const MARKS = '\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff';
const UNPRINTABLE = new RegExp(`[\\u0000-\\u001f${MARKS}]`, 'g');
const UNPRINTABLE_IN_LINES = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${MARKS}]`, 'g');
const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeChar(char) {
  return SHORT[char] ?? Array.from(encoder.encode(char), hex).join('');
}

function hex(byte) {
  return '\\x' + byte.toString(16).padStart(2, '0');
}

/** What a person typed, where `\xNN`, `\n`, `\r`, `\t` and `\\` stand for bytes: the inverse of `show`. */
export function typed(text) {
  if (!text.includes('\\')) return text;
  const bytes = [];
  const pattern = /\\x([0-9a-fA-F]{2})|\\([nrt\\])|[\s\S]/gu;
  for (const [whole, code, short] of text.matchAll(pattern)) {
    if (code) bytes.push(parseInt(code, 16));
    else if (short) bytes.push({ n: 10, r: 13, t: 9, '\\': 92 }[short]);
    else bytes.push(...encoder.encode(whole));
  }
  return fromBytes(Uint8Array.from(bytes));
}

/** How a value stands in a field that `typed` will read. */
export function editable(value) {
  if (typeof value === 'string')
    return value.replaceAll('\\', '\\\\').replace(UNPRINTABLE_IN_LINES, escapeChar);
  return escaped(value, '\\');
}

/** Bytes that are no text, with a backslash before each of `special`. */
function escaped(value, special) {
  const shown = (byte) =>
    (special.includes(String.fromCharCode(byte)) ? '\\' : '') + String.fromCharCode(byte);
  return Array.from(toBytes(value), (byte) => (byte > 31 && byte < 127 ? shown(byte) : hex(byte))).join('');
}

/** A value as a word of a command that redis-cli takes. */
export function word(value) {
  if (typeof value === 'string' && /^[\w:./@%+,={}[\]()<>*$^~|&;!?#-]+$/.test(value)) return value;
  if (typeof value !== 'string') return `"${escaped(value, '"\\')}"`;
  return `"${show(value.replace(/["\\]/g, '\\$&'))}"`;
}

/** A name as one part of a path. */
export function encodeName(value) {
  if (typeof value === 'string') return encodeURIComponent(value);
  return Array.from(toBytes(value), (byte) => '%' + byte.toString(16).padStart(2, '0')).join('');
}

/** The name in one part of a path; its bytes need not be UTF-8, which decodeURIComponent would refuse. */
export function decodeName(part) {
  const bytes = [];
  for (const [whole, code] of part.matchAll(/%([0-9a-fA-F]{2})|[\s\S]/gu)) {
    if (code) bytes.push(parseInt(code, 16));
    else bytes.push(...encoder.encode(whole));
  }
  return fromBytes(Uint8Array.from(bytes));
}

/** A key for maps and comparisons. */
export function identity(value) {
  return typeof value === 'string' ? 't' + value : 'b' + value.base64;
}
