// Shows what the server pushes when a task has ended, and opens it on a click. It caches nothing and answers no
// request of the page: with or without it, the page is the same.

self.addEventListener("push", (event) => {
  event.waitUntil(show(read(event.data)));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.url));
});

/** The message, or words that fit any: a browser may take the permission away if nothing is shown. */
function read(data) {
  try {
    const { title, body, url } = data.json();
    return { title: String(title), body: String(body), url: address(url) };
  } catch {
    return { title: "Demitasse", body: "A task has ended.", url: address("/") };
  }
}

/** An absolute web address; the server sends a path where it does not know its own name. */
function address(url) {
  const { href, protocol } = new URL(url, self.location.href);
  return protocol === "https:" || protocol === "http:"
    ? href
    : new URL("/", self.location.href).href;
}

function show({ title, body, url }) {
  // The same news twice replaces itself without a sound.
  return self.registration.showNotification(title, { body, tag: url, data: { url } });
}

async function open(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => page.url === url);
  return there ? there.focus() : self.clients.openWindow(url);
}
