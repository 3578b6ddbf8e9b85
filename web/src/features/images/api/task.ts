import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { getJson } from "@/api/client";
import type { Task } from "@/api/types";

const taskKey = (id: string) => ["tasks", id] as const;

/** A task with its full report. */
export function taskQuery(id: string) {
  return queryOptions({
    queryKey: taskKey(id),
    queryFn: ({ signal }) => getJson<Task>(`/v1/tasks/${encodeURIComponent(id)}`, signal),
    staleTime: 60_000,
  });
}

export function refreshTask(client: QueryClient, id: string): void {
  void client.invalidateQueries({ queryKey: taskKey(id) });
}
