// What this browser does with a push while the page is closed: it shows that something waits, and opens it when it is pressed.
// It keeps nothing, answers no request of the page and loads nothing.
self.addEventListener('install', () => self.skipWaiting())

self.addEventListener('push', (event) => {
  let said = {}
  try {
    said = event.data.json()
  } catch {
    // shown without words: a browser takes back the leave of a site that shows nothing
  }
  const show = async () => {
    const pages = await self.clients.matchAll({ type: 'window' })
    if (pages.some((p) => p.visibilityState === 'visible' && p.focused)) return // the page itself tells
    await self.registration.showNotification(said.title || '掌柜', { body: said.body || '', tag: said.tag || 'zhanggui', data: { url: said.url || '/notice' }, icon: '/icon.svg' })
  }
  event.waitUntil(show())
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const to = new URL(event.notification.data.url, self.location.origin)
  if (to.origin !== self.location.origin) return // a push never leads elsewhere
  const open = async () => {
    // a page that is open may hold something half typed: it is looked at, never led away
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
    const there = pages.find((p) => new URL(p.url).pathname === to.pathname)
    if (there) await there.focus()
    else await self.clients.openWindow(to.href)
  }
  event.waitUntil(open())
})
