// Numbers in words, scales from values to pixels, and the ticks of an axis.
const MISSING = "–";

// Three significant digits, as in every other report.
function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 10 ** digits) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  return value.toPrecision(digits);
}
const integer = (value) => (value === null || value === undefined ? MISSING : String(Math.round(value)));
const percent = (value) => (value === null || value === undefined ? MISSING : `${(100 * value).toFixed(1)}%`);
const ratio = (value) => (Number.isFinite(value) ? `×${number(value, 2)}` : MISSING);

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function power(exponent) {
  if (exponent >= -3 && exponent <= 3) return String(Number((10 ** exponent).toPrecision(1)));
  return "10" + (exponent < 0 ? "⁻" : "") + [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[digit]).join("");
}

function linear(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}
function logarithmic(low, high, from, to) {
  const map = linear(Math.log10(low), Math.log10(high), from, to);
  return (value) => map(Math.log10(value));
}

function linearTicks(low, high, count) {
  const rough = (high - low || 1) / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= rough * 0.999);
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) {
    found.push([index * step, String(Number((index * step).toPrecision(6)))]);
  }
  return found;
}

function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const found = [];
  const every = [1, 2, 3, 5, 10, 20, 30, 50, 100].find((size) => (last - first) / size <= count) ?? 200;
  for (let exponent = Math.ceil(first / every) * every; exponent <= last; exponent += every) found.push([10 ** exponent, power(exponent)]);
  if (last - first >= 2) return found;
  const fine = [];
  for (let exponent = first - 1; exponent <= last; exponent += 1) {
    for (const digit of last > first ? [1, 2, 5] : [1, 2, 3, 5, 7]) {
      const value = digit * 10 ** exponent;
      if (value >= low * 0.999 && value <= high * 1.001) fine.push([value, String(Number(value.toPrecision(3)))]);
    }
  }
  return fine.length > 1 ? fine : linearTicks(low, high, count);
}

// The range of an axis around what is drawn: on a log axis with some air, on a linear one from zero.
function range(values, log) {
  const usable = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (!usable.length) return log ? [0.1, 1] : [0, 1];
  let low = Infinity, high = -Infinity;
  for (const value of usable) { low = Math.min(low, value); high = Math.max(high, value); }
  if (log) {
    const air = Math.max(1.25, (high / low) ** 0.04);
    return [low / air, high * air];
  }
  return [Math.min(0, low), high > 0 ? high * 1.05 : 1];
}

// Dark blue over green to yellow (viridis, sampled): even steps of lightness, and readable without telling hues apart.
const RAMP = ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6dcd59", "#b4de2c", "#fde725"]
  .map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
function shade(fraction) {
  const at = Math.min(Math.max(fraction, 0), 1) * (RAMP.length - 1);
  const left = Math.min(Math.floor(at), RAMP.length - 2);
  return RAMP[left].map((channel, index) => Math.round(channel + (at - left) * (RAMP[left + 1][index] - channel)));
}
const css = (color) => `rgb(${color.join(" ")})`;
const ink = (color) => (0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 140 ? "#000" : "#fff");
