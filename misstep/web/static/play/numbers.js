// Numbers as words, as everywhere in misstep: a real minus sign, few digits.

export function figure(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "no number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  let text;
  if (value === 0) text = "0";
  else if (size >= 1e6 || size < 1e-3) {
    const [base, power] = value.toExponential(digits - 1).split("e");
    const raised = String(Number(power)).replace(/[-\d]/g, (one) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(one)]);
    text = `${base} × 10${raised}`;
  } else if (size >= 1000) text = Math.round(value).toLocaleString("en-US");
  else text = String(Number(value.toPrecision(digits)));
  return text.replace(/^-/, "−");
}

export function percent(share) {
  if (share === null || share === undefined) return "no number";
  const hundredfold = share * 100;
  return `${hundredfold.toFixed(hundredfold > 99 && hundredfold < 100 ? 1 : 0)} %`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
}
