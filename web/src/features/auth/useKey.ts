import { useSyncExternalStore } from "react";
import { keyState, subscribeToKey } from "@/api/key";

/** The API key of this browser, and whether the server refused it. */
export function useKey() {
  return useSyncExternalStore(subscribeToKey, keyState);
}
