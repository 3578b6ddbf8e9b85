import type { Image, Info, Report, Task, TaskEvent } from "@/api/types";

export const info: Info = {
  version: "0.1.0",
  limits: { max_bytes: 1000, max_pixels: 1_000_000 },
  presets: [
    { name: "balanced", target: 75 },
    { name: "lossless", target: null },
  ],
  default_preset: "balanced",
  formats: [{ name: "png", media_type: "image/png", decodes: true, encodes: true }],
  auth_required: false,
};

export function queuedImage(id = "a".repeat(24), changes: Partial<Image> = {}): Image {
  return {
    id,
    task_id: `task-${id}`,
    status: "queued",
    file_name: "cup.png",
    created_at: "2026-01-02T03:04:05.678Z",
    original: {
      url: `http://demitasse.test/i/${id}/original/cup.png`,
      external: false,
      sha256: id,
      bytes: 400,
      media_type: "image/png",
      width: 40,
      height: 30,
    },
    variant: null,
    external_variant_url: null,
    error: null,
    ...changes,
  };
}

export function doneImage(
  id?: string,
  variant: Partial<NonNullable<Image["variant"]>> = {},
): Image {
  const image = queuedImage(id, { status: "succeeded" });
  return {
    ...image,
    variant: {
      ...image.original,
      url: image.original.url.replace("original", "variant"),
      bytes: 100,
      outcome: "compressed",
      reason: null,
      score: 76.25,
      lossless: false,
      within_max_bytes: null,
      ...variant,
    },
  };
}

export function failedImage(id?: string): Image {
  const error = {
    code: "malformed",
    title: "The image is damaged",
    detail: "The JPEG ends early.",
  };
  return queuedImage(id, { status: "failed", error });
}

export function taskOf(image: Image): Task {
  return {
    id: image.task_id,
    image_id: image.id,
    status: image.status,
    priority: "normal",
    attempt: 1,
    max_attempts: 5,
    created_at: image.created_at,
    updated_at: image.created_at,
    finished_at: null,
    error: image.error ?? null,
    image,
    report: null,
  };
}

export function eventOf(image: Image): TaskEvent {
  const { id: image_id, task_id, status } = image;
  return { task_id, image_id, status, attempt: 1, image };
}

export function reportOf(changes: Partial<Report> = {}): Report {
  const facts = { sha256: "0", width: 40, height: 30, bits: 8, alpha: false, animated: false };
  return {
    version: 1,
    engine: "demitasse-engine 0.1.0",
    outcome: "compressed",
    reason: null,
    request: { version: 1, target: { kind: "score", score: 75 }, format: "keep" },
    input: { ...facts, bytes: 100_000, format: "png" },
    output: { ...facts, bytes: 60_000, format: "webp" },
    score: {
      metric: "ssimulacra2",
      value: 75.2,
      scope: "whole",
      tiles: 1,
      share: 1,
      worst_tile: null,
    },
    lossless: false,
    recipe: { encoder: "libwebp", version: "1.6.0", settings: {} },
    candidates: [],
    metadata: { kept: [], dropped: [], orientation_applied: null },
    warnings: [],
    time_ms: 12,
    cpu_ms: 12,
    ...changes,
  };
}
