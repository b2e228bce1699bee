// Numbers, sizes and times as people read them.

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const absolute = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

/** What is shown for what is not known. */
export const NONE = '–';

export function known(value) {
  return value !== null && value !== undefined;
}

/** A whole number with its thousands apart. */
export function count(value) {
  return known(value) ? grouped.format(value) : NONE;
}

/** A number where there is little room: 12.3 k, 4.56 M. */
export function short(value) {
  if (!known(value)) return NONE;
  if (Math.abs(value) < 10_000) return Number.isInteger(value) ? grouped.format(value) : significant(value);
  return scaled(value, 1000, ['', ' k', ' M', ' G', ' T']);
}

/** A size in bytes. */
export function size(value) {
  return known(value) ? scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']) : NONE;
}

/** So many a second. */
export function rate(value) {
  return known(value) ? `${short(value)}/s` : NONE;
}

function scaled(value, base, units) {
  let step = 0;
  while (Math.abs(value) >= base && step < units.length - 1) {
    value /= base;
    step += 1;
  }
  return (step === 0 && Number.isInteger(value) ? String(value) : significant(value)) + units[step];
}

function significant(value) {
  const magnitude = Math.abs(value);
  if (magnitude >= 100 || magnitude === 0) return grouped.format(value);
  return value.toFixed(magnitude >= 10 ? 1 : 2);
}

/** A span of time in its two greatest units. */
export function span(ms) {
  if (!known(ms)) return NONE;
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ];
  const first = units.findIndex(([, unit]) => ms >= unit);
  const [great, small] = [units[first], units[first + 1]];
  const rest = Math.floor((ms % great[1]) / small[1]);
  return `${Math.floor(ms / great[1])} ${great[0]}` + (rest ? ` ${rest} ${small[0]}` : '');
}

/** How long ago, seen from `now`; one unit, because it changes under the reader's eyes. */
export function ago(at, now) {
  if (!known(at)) return 'never';
  const ms = now - at;
  if (Math.abs(ms) < 1500) return 'now';
  const text = oneUnit(Math.abs(ms));
  return ms < 0 ? `in ${text}` : `${text} ago`;
}

/** A span of time in its greatest unit. */
export function oneUnit(ms) {
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 86_400_000 * 2) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** A moment in full. */
export function moment(at) {
  return known(at) ? absolute.format(at) : NONE;
}

/** "1 entry", "2 entries". */
export function plural(number, one, many = one + 's') {
  return `${count(number)} ${number === 1 ? one : many}`;
}
