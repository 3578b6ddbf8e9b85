import { mutationOptions, queryOptions, type QueryClient } from "@tanstack/react-query";
import { getJson, sendJson } from "@/api/client";
import type { PushKey } from "@/api/types";
import { obstacle, sameKey, toBytes, type PushState } from "../browser";

const SUBSCRIPTIONS = "/v1/push/subscriptions";
const WORKER = "/sw.js";

/** Whether this browser is told when a task has ended. Renews what the server knows of it, so at most once a visit. */
export const pushQuery = queryOptions({
  queryKey: ["push"],
  queryFn: readState,
  staleTime: Infinity,
  retry: false,
});

/** Switches notifications on or off in this browser; gives the state that follows. */
export const switchPushMutation = (client: QueryClient) =>
  mutationOptions({
    mutationFn: (on: boolean) => (on ? switchOn() : switchOff()),
    onSuccess: (state) => client.setQueryData(pushQuery.queryKey, state),
  });

async function readState(): Promise<PushState> {
  const hindered = obstacle();
  if (hindered) return hindered;
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = await registration?.pushManager.getSubscription();
  if (!registration || !subscription) return "off";
  await renew(registration, subscription);
  return "on";
}

async function switchOn(): Promise<PushState> {
  const permission = await Notification.requestPermission();
  if (permission === "denied") return "denied";
  if (permission !== "granted") return "off";
  await navigator.serviceWorker.register(WORKER);
  const registration = await navigator.serviceWorker.ready;
  const old = await registration.pushManager.getSubscription();
  await (old ? renew(registration, old) : subscribe(registration, await serverKey()));
  return "on";
}

async function switchOff(): Promise<PushState> {
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription) return "off";
  await subscription.unsubscribe();
  // The server would find out by itself, at the next message.
  const query = new URLSearchParams({ endpoint: subscription.endpoint });
  await sendJson("DELETE", `${SUBSCRIPTIONS}?${query}`).catch(() => undefined);
  return "off";
}

/** Tells the server of a subscription again; one that was made for another key is made anew. */
async function renew(registration: ServiceWorkerRegistration, subscription: PushSubscription) {
  const key = await serverKey();
  if (sameKey(subscription.options.applicationServerKey, key)) {
    await sendJson("POST", SUBSCRIPTIONS, subscription.toJSON());
  } else {
    await subscription.unsubscribe();
    await subscribe(registration, key);
  }
}

async function subscribe(registration: ServiceWorkerRegistration, key: Uint8Array<ArrayBuffer>) {
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const subscription = await registration.pushManager.subscribe(options);
  try {
    await sendJson("POST", SUBSCRIPTIONS, subscription.toJSON());
  } catch (error) {
    // A subscription that the server does not know is worth nothing.
    await subscription.unsubscribe();
    throw error;
  }
}

async function serverKey(): Promise<Uint8Array<ArrayBuffer>> {
  const { public_key } = await getJson<PushKey>("/v1/push/key");
  return toBytes(public_key);
}
