import type { LineConfig } from "./live-chart.ts";
import { Chart } from "./register.ts";

const WIDTH = 1200;
const HEIGHT = 640;
const RATIO = 2;

/** A chart as the bytes of a PNG file, drawn off screen at twice the size on `ground`. */
export async function chartPicture(config: LineConfig, ground: string): Promise<Uint8Array> {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const background = {
    id: "ground",
    beforeDraw: ({ ctx, width, height }: { ctx: CanvasRenderingContext2D; width: number; height: number }) => {
      ctx.save();
      ctx.fillStyle = ground;
      ctx.fillRect(0, 0, width, height);
      ctx.restore();
    },
  };
  const chart = new Chart(canvas, {
    ...config,
    options: { ...config.options, responsive: false, devicePixelRatio: RATIO },
    plugins: [background, ...(config.plugins ?? [])],
  } as LineConfig);
  try {
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!blob) throw new Error("the picture could not be made");
    return new Uint8Array(await blob.arrayBuffer());
  } finally {
    chart.destroy();
  }
}
