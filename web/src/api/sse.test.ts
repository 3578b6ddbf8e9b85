import { expect, it } from "vitest";
import { EventStreamParser } from "./sse";

it("reads id, type and data, and joins data lines", () => {
  const events = new EventStreamParser().push("id: 7\nevent: task\ndata: one\ndata: two\n\n");
  expect(events).toEqual([{ id: "7", type: "task", data: "one\ntwo" }]);
});

it("reads the same events however the stream is cut", () => {
  const stream =
    ": heartbeat\r\n\r\nretry: 2000\r\nid: 1\r\nevent: task\r\ndata: {}\r\n\r\ndata:x\r\n\r\n";
  const whole = new EventStreamParser().push(stream);
  expect(whole).toHaveLength(2);
  for (let cut = 1; cut < stream.length; cut += 1) {
    const parser = new EventStreamParser();
    expect([...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))]).toEqual(
      whole,
    );
    expect(parser.retry).toBe(2000);
  }
});

it("keeps the last id, and drops events without data", () => {
  const parser = new EventStreamParser();
  expect(parser.push("id: 3\n\n")).toEqual([]);
  expect(parser.push("data: later\n\n")).toEqual([{ id: "3", type: "message", data: "later" }]);
});
