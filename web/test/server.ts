// A server of the generated shapes for unit tests. A test says what it has with `server.use`.
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import type { DeletedEvent, Image, ImagePage } from "@/api/types";
import { eventOf, info, taskOf } from "./fixtures";

export function page(data: Image[], next_cursor: string | null = null): ImagePage {
  return { data, next_cursor };
}

export function problem(status: number, title: string, detail: string) {
  const body = { type: "about:blank", title, status, detail, instance: null, code: "test" };
  return HttpResponse.json(body, {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });
}

/** An event stream that stays open; `send` puts an image's change on it. */
export class EventStream {
  readonly #controllers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #sent = 0;

  readonly handler = http.get("/v1/events", () => this.respond());

  respond() {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controllers.add(controller);
        controller.enqueue(new TextEncoder().encode("retry: 0\n\n"));
      },
    });
    return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
  }

  send(image: Image): void {
    this.#write("task", eventOf(image));
  }

  /** Says that an image is gone. */
  sendDeleted({ id: image_id, task_id }: Image): void {
    this.#write("deleted", { image_id, task_id } satisfies DeletedEvent);
  }

  #write(event: string, data: unknown): void {
    this.#sent += 1;
    const text = `id: ${this.#sent}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const controller of this.#controllers) controller.enqueue(new TextEncoder().encode(text));
  }

  close(): void {
    for (const controller of this.#controllers) controller.close();
    this.#controllers.clear();
  }
}

export const server = setupServer(
  http.get("/v1/info", () => HttpResponse.json(info)),
  http.get("/v1/images", () => HttpResponse.json(page([]))),
  http.get("/v1/events", () => new EventStream().respond()),
);

/** Answers uploads with `image`, and counts them. */
export function acceptUploads(image: Image): { queries: string[] } {
  const seen: { queries: string[] } = { queries: [] };
  server.use(
    http.post("/v1/images", ({ request }) => {
      seen.queries.push(new URL(request.url).search);
      return HttpResponse.json(taskOf(image), { status: 202 });
    }),
  );
  return seen;
}
