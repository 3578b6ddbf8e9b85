import { expect, it } from "vitest";
import { problemToError } from "./errors";

it("says what and why in the server's words, and adds what to do", () => {
  const body = JSON.stringify({
    title: "The image is damaged",
    detail: "The JPEG ends early.",
    code: "malformed",
  });
  expect(problemToError(400, body)).toMatchObject({
    status: 400,
    title: "The image is damaged",
    detail:
      "The JPEG ends early. Export or copy the image again from where it came, and send that.",
  });
});

it("leaves a detail alone whose code it does not know", () => {
  const body = JSON.stringify({
    title: "New",
    detail: "Something new.",
    code: "newer_than_this_page",
  });
  expect(problemToError(400, body).detail).toBe("Something new.");
});

it.each(["<html>413 Request Entity Too Large</html>", "null", ""])(
  "gives a plain sentence for an answer that is no problem document: %s",
  (body) => {
    expect(problemToError(413, body)).toMatchObject({
      title: "The server answered 413",
      detail: "A proxy in front of Demitasse refused a file of this size. Raise its body limit.",
    });
  },
);
