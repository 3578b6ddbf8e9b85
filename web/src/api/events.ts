// Keeps one event stream open for as long as it is wanted: reconnects with a growing pause, notices silence.
import { authorization, keyState, refuseKey } from "./key";
import { EventStreamParser, type ServerEvent } from "./sse";

/** Three of the server's 15 s heartbeats: a connection silent for longer is dead, whatever TCP believes. */
const SILENCE_MS = 45_000;
const LONGEST_PAUSE_MS = 30_000;

export interface EventHandlers {
  /** The stream is open, the first time or again: what happened before is not told. */
  onOpen: () => void;
  onEvent: (event: ServerEvent) => void;
  /** The stream is lost and will be tried again. */
  onLost: () => void;
}

/** Follows `/v1/events` until the signal aborts, or until the server refuses the key. */
export async function followEvents(handlers: EventHandlers, signal: AbortSignal): Promise<void> {
  let basePause = 1000;
  let failures = 0;
  let lastId = "";

  for (;;) {
    const parser = new EventStreamParser();
    const { key } = keyState();
    try {
      const response = await connect(key, lastId, signal);
      if (response.status === 401) {
        refuseKey(key);
        return;
      }
      if (!response.ok || response.body === null) throw new Error(`events: ${response.status}`);
      handlers.onOpen();
      failures = 0;
      await readEvents(response.body, parser, (event) => {
        lastId = event.id;
        handlers.onEvent(event);
      });
    } catch {
      // A refused connection, a reset, silence: all end in another attempt below.
      failures += 1;
    }
    if (signal.aborted) return;
    basePause = parser.retry ?? basePause;
    handlers.onLost();
    await pause(Math.min(basePause * 2 ** failures, LONGEST_PAUSE_MS), signal);
  }
}

function connect(key: string | null, lastId: string, signal: AbortSignal): Promise<Response> {
  const resume: Record<string, string> = lastId === "" ? {} : { "Last-Event-ID": lastId };
  return fetch("/v1/events", {
    headers: { Accept: "text/event-stream", ...authorization(key), ...resume },
    cache: "no-store",
    signal,
  });
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  parser: EventStreamParser,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    // Cancelling makes a read that hangs on a dead connection end as "done".
    const watchdog = setTimeout(() => void reader.cancel(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => {
      clearTimeout(watchdog);
    });
    if (done) return;
    for (const event of parser.push(decoder.decode(value, { stream: true }))) onEvent(event);
  }
}

/** Waits, with up to a quarter more at random so that many pages do not return at the same instant. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const timer = setTimeout(stop, milliseconds * (1 + Math.random() / 4));
    signal.addEventListener("abort", stop);
  });
}
