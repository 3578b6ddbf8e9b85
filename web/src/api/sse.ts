// Server-sent events over fetch: EventSource cannot send an Authorization header.
// Parsing follows the WHATWG HTML standard, "Interpreting an event stream".

export interface ServerEvent {
  id: string;
  type: string;
  data: string;
}

/** Splits chunks of an event stream into events. A chunk may end anywhere, even inside CRLF. */
export class EventStreamParser {
  #rest = "";
  #id = "";
  #type = "";
  #data: string[] = [];
  /** The last `retry:` value, in milliseconds, when the server sent one. */
  retry: number | null = null;

  push(chunk: string): ServerEvent[] {
    this.#rest += chunk;
    const events: ServerEvent[] = [];
    for (let end = this.#lineEnd(); end !== null; end = this.#lineEnd()) {
      const line = this.#rest.slice(0, end.at);
      this.#rest = this.#rest.slice(end.next);
      const event = this.#takeLine(line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #lineEnd(): { at: number; next: number } | null {
    const at = this.#rest.search(/[\r\n]/);
    if (at === -1) return null;
    if (this.#rest[at] === "\n") return { at, next: at + 1 };
    // A CR at the very end may be the first half of CRLF: wait for the next chunk.
    if (at + 1 === this.#rest.length) return null;
    return { at, next: this.#rest[at + 1] === "\n" ? at + 2 : at + 1 };
  }

  #takeLine(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") };
    const empty = this.#data.length === 0;
    this.#type = "";
    this.#data = [];
    return empty ? null : event;
  }
}
