// sharp as a program would use it. One JSON array a line: [source, target, method, its options].
import { createInterface } from 'node:readline';
import { readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const sharp = createRequire(process.argv.at(-1) + '/')('sharp');
// Every request is another image, so what sharp keeps of the last ones would only cost memory.
sharp.cache(false);

const seconds = (before) => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

// The kernel's highest mark of this process's memory (proc(5)): starts anew, and is read. Only Linux has it.
function forgetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Then the peak is that of all requests so far.
  }
}

function peak() {
  try {
    return 1024 * Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {
    return null;
  }
}

async function encode([source, target, method, options]) {
  forgetPeak();
  const start = process.cpuUsage();
  const { data, info } = await sharp(source).raw().toBuffer({ resolveWithObject: true });
  const decode = seconds(start);
  const middle = process.cpuUsage();
  const { width, height, channels } = info;
  const file = await sharp(data, { raw: { width, height, channels } })[method](options).toBuffer();
  const spent = seconds(middle);
  await writeFile(target, file);
  return { decode, encode: spent, peak: peak() };
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await encode(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
