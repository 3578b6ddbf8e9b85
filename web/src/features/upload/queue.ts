// The uploads of this tab: a few at a time, in order, newest on top. Holds no images and draws nothing.
import type { Task } from "@/api/types";
import { fetchOriginal } from "./api/original";
import { sendImage } from "./api/send";
import { failureOf, fileIsGone, refusalOf } from "./failure";
import { loadSession, saveSession } from "./session";
import { sentImageId, type Upload, type UploadState } from "./upload";

/** Leaves two of a browser's six HTTP/1.1 connections to the event stream and to images. */
const AT_ONCE = 4;

export class UploadQueue {
  #uploads: readonly Upload[] = [];
  readonly #sources = new Map<string, () => Promise<Blob>>();
  readonly #running = new Map<string, AbortController>();
  readonly #listeners = new Set<() => void>();
  #nextId = 0;

  /** `onSent` is given the task of each accepted file before the row changes to "sent". */
  constructor(private readonly onSent: (task: Task) => void) {
    this.#uploads = loadSession().map(({ imageId, ...file }) => ({
      ...file,
      id: this.#newId(),
      previewUrl: null,
      state: { kind: "sent", imageId },
    }));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): readonly Upload[] => this.#uploads;

  /** Adds files on top, in the order given, to be sent with `query`. A file over `maxBytes`, or an empty one, fails without being sent. */
  add(files: readonly File[], query: string, maxBytes: number): void {
    const added = files.map((file): Upload => {
      const id = this.#newId();
      this.#sources.set(id, () => Promise.resolve(file));
      const previewUrl = URL.createObjectURL(file);
      const state = refusalOf(file, maxBytes) ?? { kind: "waiting" };
      return { id, name: file.name, bytes: file.size, query, previewUrl, state };
    });
    this.#set([...added, ...this.#uploads]);
    this.#startNext();
  }

  /** Sends a file again. `originalUrl` is where to fetch it when this page no longer has it. */
  retry(id: string, originalUrl?: string): void {
    if (originalUrl !== undefined && !this.#sources.has(id)) {
      this.#sources.set(id, () => fetchOriginal(originalUrl));
    }
    this.#change(id, { kind: "waiting" });
    this.#startNext();
  }

  /** Sends again what was refused for want of a key. */
  retryRefused(): void {
    for (const { id, state } of this.#uploads) {
      if (state.kind === "failed" && state.status === 401) this.retry(id);
    }
  }

  /** Takes rows off the list, stopping those under way. The images stay on the server. */
  remove(ids: ReadonlySet<string>): void {
    for (const upload of this.#uploads) {
      if (!ids.has(upload.id)) continue;
      this.#running.get(upload.id)?.abort();
      this.#sources.delete(upload.id);
      if (upload.previewUrl !== null) URL.revokeObjectURL(upload.previewUrl);
    }
    this.#set(this.#uploads.filter(({ id }) => !ids.has(id)));
  }

  #startNext(): void {
    for (const upload of this.#uploads) {
      if (this.#running.size >= AT_ONCE) return;
      if (upload.state.kind === "waiting" && !this.#running.has(upload.id)) void this.#run(upload);
    }
  }

  async #run({ id, name, query }: Upload): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    this.#change(id, { kind: "uploading", fraction: 0 });
    try {
      const file = await (this.#sources.get(id)?.() ?? Promise.reject(fileIsGone()));
      const onProgress = (fraction: number) => this.#progress(id, fraction);
      const task = await sendImage({ file, name, query, onProgress, signal: controller.signal });
      this.onSent(task);
      this.#change(id, { kind: "sent", imageId: task.image_id });
    } catch (error) {
      this.#change(id, failureOf(error));
    } finally {
      this.#running.delete(id);
      this.#startNext();
    }
  }

  #progress(id: string, fraction: number): void {
    const current = this.#uploads.find((upload) => upload.id === id)?.state;
    // One change per whole percent: a hundred rows are not drawn again for every packet.
    const percent = Math.floor(fraction * 100) / 100;
    if (current?.kind === "uploading" && current.fraction !== percent) {
      this.#change(id, { kind: "uploading", fraction: percent });
    }
  }

  #change(id: string, state: UploadState): void {
    this.#set(this.#uploads.map((upload) => (upload.id === id ? { ...upload, state } : upload)));
  }

  #set(uploads: readonly Upload[]): void {
    this.#uploads = uploads;
    saveSession(
      uploads.flatMap((upload) => {
        const imageId = sentImageId(upload);
        const { name, bytes, query } = upload;
        return imageId === null ? [] : [{ imageId, name, bytes, query }];
      }),
    );
    for (const listener of this.#listeners) listener();
  }

  #newId(): string {
    this.#nextId += 1;
    return `upload-${this.#nextId}`;
  }
}
