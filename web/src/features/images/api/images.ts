// The keys of images in the query cache, and how they are read. Nothing else names these keys.
import {
  infiniteQueryOptions,
  mutationOptions,
  queryOptions,
  type InfiniteData,
  type QueryClient,
} from "@tanstack/react-query";
import { getJson, sendJson } from "@/api/client";
import type { Image, ImagePage } from "@/api/types";

const PAGE_SIZE = 50;
/** Events say what changed; this is how soon an unfinished image is asked after when an event was lost. */
const POLL_MS = 10_000;

const imagesKey = ["images"] as const;
const listKey = [...imagesKey, "list"] as const;
/** Ids of images that were deleted while this page was open. */
const goneKey = [...imagesKey, "gone"] as const;
const imageKey = (id: string) => [...imagesKey, "one", id] as const;

type ImageList = InfiniteData<ImagePage>;

export function imageQuery(id: string) {
  return queryOptions({
    queryKey: imageKey(id),
    queryFn: async ({ client, signal }) =>
      newest(client, await getJson<Image>(`/v1/images/${encodeURIComponent(id)}`, signal)),
    staleTime: Infinity,
    refetchInterval: ({ state }) => (state.data && isUnfinished(state.data) ? POLL_MS : false),
  });
}

export const imageListQuery = infiniteQueryOptions({
  queryKey: listKey,
  queryFn: async ({ client, pageParam, signal }) => {
    const page = await getJson<ImagePage>(pagePath(pageParam), signal);
    const data = page.data.map((image) => newest(client, image));
    const present = data.filter(({ id }) => !isGone(client, id));
    for (const image of present) client.setQueryData(imageKey(image.id), image);
    return { ...page, data: present };
  },
  initialPageParam: "",
  getNextPageParam: (last: ImagePage) => last.next_cursor ?? undefined,
  staleTime: 60_000,
  refetchInterval: ({ state }) => (listed(state.data).some(isUnfinished) ? POLL_MS : false),
});

/** Deletes an image on the server; there need not be one any more. */
export const deleteImageMutation = mutationOptions({
  mutationFn: (id: string) => sendJson("DELETE", `/v1/images/${encodeURIComponent(id)}`),
});

/** Takes a deleted image off wherever it is shown. What is said of it later was said before. */
export function removeImage(client: QueryClient, id: string): void {
  client.setQueryDefaults(goneKey, { gcTime: Infinity });
  client.setQueryData<readonly string[]>(goneKey, (gone = []) => [...gone, id]);
  client.removeQueries({ queryKey: imageKey(id) });
  client.setQueryData<ImageList>(listKey, (list) => list && withoutImage(list, id));
}

/** Puts what the server just said of an image wherever it is shown; an unknown one goes on top of the list. */
export function applyImage(client: QueryClient, received: Image): void {
  if (isGone(client, received.id)) return;
  const image = newest(client, received);
  client.setQueryData(imageKey(image.id), image);
  client.setQueryData<ImageList>(listKey, (list) => list && withImage(list, image));
}

/** Asks again for everything an event may have been missed for. */
export function refreshImages(client: QueryClient): void {
  void client.invalidateQueries({ queryKey: listKey });
  void client.invalidateQueries({
    queryKey: [...imagesKey, "one"],
    predicate: ({ state }) => state.data === undefined || isUnfinished(state.data as Image),
  });
}

/** The images of all loaded pages, each once: a page that moved since the last one was read repeats some. */
export function listed(list: ImageList | undefined): Image[] {
  const byId = new Map<string, Image>();
  for (const page of list?.pages ?? []) for (const image of page.data) byId.set(image.id, image);
  return [...byId.values()];
}

export function isUnfinished({ status }: Image): boolean {
  return status === "queued" || status === "running" || status === "retrying";
}

/** Answers and events may overtake each other; an image never goes back from finished, nor from begun to queued. */
function newest(client: QueryClient, received: Image): Image {
  const known = client.getQueryData<Image>(imageKey(received.id));
  return known && stage(known) > stage(received) ? known : received;
}

function isGone(client: QueryClient, id: string): boolean {
  return client.getQueryData<readonly string[]>(goneKey)?.includes(id) ?? false;
}

function stage(image: Image): number {
  if (!isUnfinished(image)) return 2;
  return image.status === "queued" ? 0 : 1;
}

function withImage(list: ImageList, image: Image): ImageList {
  const known = list.pages.some(({ data }) => data.some(({ id }) => id === image.id));
  const pages = list.pages.map((page, index) => {
    if (!known) return index === 0 ? { ...page, data: [image, ...page.data] } : page;
    return { ...page, data: page.data.map((other) => (other.id === image.id ? image : other)) };
  });
  return { ...list, pages };
}

function withoutImage(list: ImageList, gone: string): ImageList {
  const pages = list.pages.map((page) => ({
    ...page,
    data: page.data.filter(({ id }) => id !== gone),
  }));
  return { ...list, pages };
}

function pagePath(cursor: string): string {
  const query = new URLSearchParams({ limit: `${PAGE_SIZE}` });
  if (cursor !== "") query.set("cursor", cursor);
  return `/v1/images?${query}`;
}
