// The colors of the theme as numbers, for what is painted point by point. Knows CSS variables.

const NAMES = [
  "ground", "surface", "words", "quiet", "grid", "axis", "accent", "good", "bad",
  "positive", "negative", "series-3", "series-4", "series-5", "series-6", "series-7", "series-8",
];

export const theme = {};
const listeners = [];

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mixed(from, to, share) {
  return from.map((one, at) => Math.round(one + (to[at] - one) * share));
}

// 256 colors as one number each, as ImageData has them in a Uint32Array (little endian).
function table(color) {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    const [red, green, blue] = color(byte);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

// The third class and on: two have the colors of signs.
const CLASSES = ["negative", "positive", "series-3", "series-4", "series-6", "series-7", "series-8",
  "series-5", "accent", "quiet"];

export function readTheme() {
  const style = getComputedStyle(document.documentElement);
  for (const name of NAMES) theme[name] = style.getPropertyValue(`--${name}`).trim();
  const of = (name) => rgb(theme[name]);
  // Bytes from 0 to 255 with 128 in the middle: below, nothing, above.
  theme.signed = table((byte) => {
    const value = Math.max(-1, (byte - 128) / 127);
    return mixed(of("ground"), of(value < 0 ? "negative" : "positive"), Math.abs(value) ** 0.8 * 0.8);
  });
  theme.classes = CLASSES.map((name) => theme[name]);
  // The same, paler, below points.
  theme.shares = table((byte) => {
    const value = Math.max(-1, (byte - 128) / 127);
    return mixed(of("ground"), of(value < 0 ? "negative" : "positive"), Math.abs(value) ** 0.8 * 0.58);
  });
  // How sure: from not at all to entirely, for each class.
  theme.sure = CLASSES.map((name) => table(
    (byte) => mixed(of("ground"), of(name), 0.12 + 0.6 * (byte / 255))));
  theme.ink = table((byte) => mixed(of("ground"), of("words"), byte / 255));
  for (const listener of listeners) listener();
}

export function onTheme(listener) {
  listeners.push(listener);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readTheme);
