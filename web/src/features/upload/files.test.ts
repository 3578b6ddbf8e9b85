import { expect, it } from "vitest";
import { droppedFiles } from "./files";

const file = (name: string, type: string) => new File(["x"], name, { type });

function fileEntry(content: File) {
  const read = (done: (content: File) => void) => done(content);
  return { isFile: true, isDirectory: false, name: content.name, file: read };
}

/** A folder as browsers give it: in batches, the last of them empty. */
function folderEntry(name: string, ...batches: object[][]) {
  const left = [...batches];
  const readEntries = (done: (batch: object[]) => void) => done(left.shift() ?? []);
  return { isFile: false, isDirectory: true, name, createReader: () => ({ readEntries }) };
}

function drop(entries: { name: string }[], files: File[]): DataTransfer {
  const items = entries.map((entry) => ({ webkitGetAsEntry: () => entry }));
  return { items, files } as unknown as DataTransfer;
}

const names = async (data: DataTransfer) => (await droppedFiles(data)).map(({ name }) => name);

it("takes files that are dropped by themselves, whatever they are", async () => {
  const [image, text] = [file("a.png", "image/png"), file("b.txt", "text/plain")];
  expect(await names(drop([image, text].map(fileEntry), [image, text]))).toEqual([
    "a.png",
    "b.txt",
  ]);
});

it("takes the images out of dropped folders, however deep and in however many batches", async () => {
  const image = (name: string) => fileEntry(file(name, "image/png"));
  const notes = fileEntry(file("notes.txt", "text/plain"));
  const folder = folderEntry(
    "trip",
    [image("1.png"), notes],
    [folderEntry("day", [image("2.png")])],
    [image("3.png")],
  );
  // Browsers also list the folder itself as a file without content.
  expect(await names(drop([folder], [file("trip", "")]))).toEqual(["1.png", "2.png", "3.png"]);
});
