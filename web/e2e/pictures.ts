// Small images made here, so that the tests need no files.
import type { Page } from "@playwright/test";
import { crc32, deflateSync } from "node:zlib";

export interface Picture {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A PNG of soft color, written so badly that any encoder makes it smaller. `seed` makes it another picture. */
export function png(name: string, seed: number, size = 48): Picture {
  const rows: number[] = [];
  for (let y = 0; y < size; y += 1) {
    rows.push(0);
    for (let x = 0; x < size; x += 1)
      rows.push((x * 4 + seed) & 255, (y * 4) & 255, (seed * 7) & 255);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const buffer = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.from(rows), { level: 0 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return { name, mimeType: "image/png", buffer };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A JPEG at the highest quality, of waves and grain, as a camera's largest setting would write it. */
export async function jpeg(page: Page, name: string, width = 480, height = 320): Promise<Picture> {
  const base64 = await page.evaluate(
    ({ width, height }) => {
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      const pixels = context.createImageData(width, height);
      let grain = 1;
      for (let at = 0; at < width * height; at += 1) {
        const [x, y] = [at % width, Math.floor(at / width)];
        grain = (grain * 1103515245 + 12345) % 2147483648;
        const noise = (grain >> 16) % 16;
        const wave = 110 + 90 * Math.sin(x / 23) * Math.cos(y / 31);
        pixels.data.set([wave + noise, 140 - wave / 3 + noise, 90 + y / 4 + noise, 255], at * 4);
      }
      context.putImageData(pixels, 0, 0);
      return canvas.toDataURL("image/jpeg", 1).split(",")[1] ?? "";
    },
    { width, height },
  );
  return { name, mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
}
