import { createCanvas, loadImage } from "@napi-rs/canvas";

/** How many pixels of a picture have a colour, give or take what smoothing does to it. */
export async function pixelsOf(file: string, hex: string): Promise<number> {
  const picture = await loadImage(file);
  const context = createCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, picture.width, picture.height);
  const wanted = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (wanted.every((value, channel) => Math.abs((data[at + channel] ?? 0) - value) <= 8)) count++;
  return count;
}
