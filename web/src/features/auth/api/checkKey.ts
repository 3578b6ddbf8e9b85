import { mutationOptions } from "@tanstack/react-query";
import { isKeyAccepted } from "@/api/client";
import { acceptKey } from "@/api/key";

interface Attempt {
  key: string;
  remember: boolean;
}

/** Tries a key, and keeps it when the server takes it. Gives false when it does not. */
export const checkKeyMutation = mutationOptions({
  mutationFn: async ({ key, remember }: Attempt) => {
    const accepted = await isKeyAccepted(key);
    if (accepted) acceptKey(key, remember);
    return accepted;
  },
});
