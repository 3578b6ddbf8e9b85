import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { followEvents } from "@/api/events";
import type { DeletedEvent, TaskEvent } from "@/api/types";
import { applyImage, refreshImages } from "./images";
import { refreshTask } from "./task";

export type Connection = "connecting" | "live" | "lost";

/**
 * Keeps the cached images as the server has them, for as long as it is mounted. Returns how that is going. `onDeleted` is
 * told of images that are gone, and must stay the same function.
 */
export function useLiveImages(onDeleted: (imageId: string) => void): Connection {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");

  useEffect(() => {
    const following = new AbortController();
    const handlers = {
      onOpen: () => {
        setConnection("live");
        refreshImages(client);
      },
      onLost: () => setConnection("lost"),
      onEvent: (event: { type: string; data: string }) => {
        if (event.type === "deleted") {
          onDeleted((JSON.parse(event.data) as DeletedEvent).image_id);
        }
        if (event.type !== "task") return;
        const { image, task_id } = JSON.parse(event.data) as TaskEvent;
        applyImage(client, image);
        refreshTask(client, task_id);
      },
    };
    void followEvents(handlers, following.signal);
    return () => following.abort();
  }, [client, onDeleted]);

  return connection;
}
