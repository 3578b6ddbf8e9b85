// Files out of a drop or a paste, with folders opened.

export function carriesFiles(data: DataTransfer | null): boolean {
  return data?.types.includes("Files") ?? false;
}

/** Every file of a drop. Inside a dropped folder only images are taken; a file dropped by itself always is. */
export async function droppedFiles(data: DataTransfer): Promise<File[]> {
  // Entries and files must be taken before the first await: the list is emptied after the event.
  const entries = Array.from(data.items, (item) => item.webkitGetAsEntry());
  const files = Array.from(data.files);
  const folders = entries.filter((entry) => entry !== null).filter((entry) => entry.isDirectory);
  if (folders.length === 0) return files;

  const folderNames = new Set(folders.map((folder) => folder.name));
  const inside = await Promise.all(folders.map(filesInside));
  const single = files.filter(({ name }) => !folderNames.has(name));
  return [...single, ...inside.flat().filter(({ type }) => type.startsWith("image/"))];
}

async function filesInside(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await readFile(entry as FileSystemFileEntry)];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    // A reader gives a folder in batches; the empty batch is the end.
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (batch.length === 0) return files;
    for (const child of batch) files.push(...(await filesInside(child)));
  }
}

function readFile(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
