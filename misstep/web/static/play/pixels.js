// Arrays from bytes, small pictures from arrays, and canvases that are sharp on every screen.
// Knows no network.

const KINDS = { float32: Float32Array, uint8: Uint8Array };

// An array as the engine packs it: { dtype, shape, base64 }, little endian.
export function unpacked(packed) {
  const text = atob(packed.base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return new KINDS[packed.dtype](bytes.buffer);
}

// Paints height rows of width bytes, from offset on, through a table of colors.
export function paint(canvas, width, height, given, offset, colors) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = colors[given[offset + at]];
  context.putImageData(image, 0, 0);
}

// Makes a canvas width × height in CSS's pixels and returns its context, cleared.
export function sharp(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// A point of a class: each has a shape of its own besides its color.
export function mark(context, shape, x, y, size) {
  context.beginPath();
  if (shape % 5 === 0) context.arc(x, y, size, 0, 2 * Math.PI);
  else if (shape % 5 === 1) context.rect(x - size * 0.88, y - size * 0.88, size * 1.76, size * 1.76);
  else if (shape % 5 === 2) {
    context.moveTo(x, y - size * 1.2);
    context.lineTo(x + size * 1.1, y + size * 0.8);
    context.lineTo(x - size * 1.1, y + size * 0.8);
    context.closePath();
  } else if (shape % 5 === 3) {
    context.moveTo(x, y - size * 1.25);
    context.lineTo(x + size * 1.25, y);
    context.lineTo(x, y + size * 1.25);
    context.lineTo(x - size * 1.25, y);
    context.closePath();
  } else {
    const arm = size * 0.45, far = size * 1.15;
    for (const [dx, dy] of [[-arm, -far], [arm, -far], [arm, -arm], [far, -arm], [far, arm],
      [arm, arm], [arm, far], [-arm, far], [-arm, arm], [-far, arm], [-far, -arm], [-arm, -arm]]) {
      context.lineTo(x + dx, y + dy);
    }
    context.closePath();
  }
}

export const SHAPES = ["circle", "square", "triangle", "diamond", "cross"];
