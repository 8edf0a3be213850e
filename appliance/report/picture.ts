export type Color = readonly [r: number, g: number, b: number];

/** A colour picture: sRGB, three bytes a pixel, rows from the top, no padding. */
export type Picture = { readonly width: number; readonly height: number; readonly rgb: Uint8Array };

export type Rectangle = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

export function newPicture(width: number, height: number, color: Color = [0, 0, 0]): Picture {
  const picture = { width, height, rgb: new Uint8Array(3 * width * height) };
  if (color.some((part) => part !== 0)) fillRectangle(picture, { x: 0, y: 0, width, height }, color);
  return picture;
}

/** Colours a rectangle; what lies outside the picture is left out. */
export function fillRectangle(picture: Picture, { x, y, width, height }: Rectangle, [r, g, b]: Color): void {
  const xEnd = Math.min(x + width, picture.width);
  const yEnd = Math.min(y + height, picture.height);
  for (let row = Math.max(y, 0); row < yEnd; row++)
    for (let column = Math.max(x, 0); column < xEnd; column++) {
      const at = 3 * (row * picture.width + column);
      picture.rgb[at] = r;
      picture.rgb[at + 1] = g;
      picture.rgb[at + 2] = b;
    }
}

/** Lays a colour over one pixel, 0 leaving it and 1 covering it; outside the picture nothing happens. */
export function blend(picture: Picture, x: number, y: number, color: Color, opacity: number): void {
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return;
  const at = 3 * (y * picture.width + x);
  for (let part = 0; part < 3; part++)
    picture.rgb[at + part] = Math.round(picture.rgb[at + part]! * (1 - opacity) + color[part]! * opacity);
}

/** Copies a picture into another one with its upper left corner at (x, y); it must fit. */
export function place(picture: Picture, x: number, y: number, inner: Picture): void {
  if (x < 0 || y < 0 || x + inner.width > picture.width || y + inner.height > picture.height)
    throw new Error(`${inner.width} x ${inner.height} at ${x}, ${y} does not fit into ${picture.width} x ${picture.height}`);
  for (let row = 0; row < inner.height; row++)
    picture.rgb.set(inner.rgb.subarray(3 * row * inner.width, 3 * (row + 1) * inner.width), 3 * ((y + row) * picture.width + x));
}
