// A browser whose page is closed is told that something waits. Its push service is not reached from here: the subscription is made by
// hand, and what the service would deliver is delivered by the browser's own debugging.
import { ask, base, must, noForbidden, noOverflow, phone, shot } from './browser.mjs'

const point = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'

const byHand = (page, endpoint) => page.addInitScript(([endpoint, point]) => {
  const raw = (s) => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0)).buffer
  let made = null
  PushManager.prototype.subscribe = async (options) => {
    window.subscribedWith = options
    made = { endpoint, getKey: (k) => raw(k === 'auth' ? 'BTBZMqHH6r4Tts7J_aSIgg' : point), unsubscribe: async () => { made = null; return true } }
    return made
  }
  PushManager.prototype.getSubscription = async () => made
}, [endpoint, point])

const turnOn = async (page, context) => {
  await context.grantPermissions(['notifications'], { origin: base })
  await byHand(page, 'https://push.example.com/send/geheim')
  await page.goto(base + '/me')
  const on = page.getByRole('switch', { name: '页面关着时也提醒' })
  await on.click()
  const row = page.locator('li.channel').filter({ hasText: '浏览器推送' })
  await row.waitFor()
  must(/Chrome/.test(await row.innerText()) && !(await page.content()).includes('geheim'), 'the address is shown, or not the browser: ' + (await row.innerText()))
  must((await on.getAttribute('aria-checked')) === 'true', 'it is not on')
  const { push } = await ask(page, '/api/alert')
  const asked = await page.evaluate(() => ({ visible: window.subscribedWith.userVisibleOnly, key: btoa(String.fromCharCode(...new Uint8Array(window.subscribedWith.applicationServerKey))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '') }))
  must(asked.visible && asked.key === push && push.length === 87, 'subscribed under another key: ' + JSON.stringify(asked))
  return { on, row }
}

const subscribe = async (page, context) => {
  const { on, row } = await turnOn(page, context)
  await noOverflow(page)
  await noForbidden(page)
  await shot(page, 'push-' + page.viewportSize().width)
  await page.reload()
  await row.waitFor()
  must((await on.getAttribute('aria-checked')) === 'true', 'after a reload it is off')
  await on.click()
  await row.waitFor({ state: 'detached' })
  must((await on.getAttribute('aria-checked')) === 'false', 'it is still on')
  must((await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)) === 0, 'the worker stays behind')
}

export default [
  ['push: a person lets this browser be told while its page is closed, and ends it', 'limin', null, subscribe],
  ['push on the phone: a person lets this browser be told', 'limin', phone, subscribe],
  ['push: what arrives is shown as that something waits, and pressed it opens the page', 'limin', null, async (page, context) => {
    const { row } = await turnOn(page, context)
    const cdp = await context.newCDPSession(page)
    const worker = new Promise((resolve) => cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => registrations.forEach((r) => r.scopeURL.startsWith(base) && resolve(r.registrationId))))
    await cdp.send('ServiceWorker.enable')
    const registrationId = await worker
    const sw = context.serviceWorkers()[0] ?? await context.waitForEvent('serviceworker')
    await sw.evaluate(() => {
      self.times = 0
      const real = self.registration.showNotification.bind(self.registration)
      self.registration.showNotification = async (...said) => { await real(...said); self.times++ }
    })
    const times = () => sw.evaluate(() => self.times)
    const shown = () => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((n) => ({ title: n.title, body: n.body, tag: n.tag, url: n.data.url })))
    // Asked what it shows while something is on its way to the screen, the browser forgets it. So it is asked once the worker has shown it,
    // and a notification lost so is delivered again.
    const deliver = async (data) => {
      for (let again = 0; again < 10; again++) {
        const before = await times()
        await cdp.send('ServiceWorker.deliverPushMessage', { origin: base, registrationId, data: JSON.stringify(data) })
        for (let i = 0; i < 300 && (await times()) === before; i++) await page.waitForTimeout(100)
        must((await times()) > before, 'a push that arrives is not shown')
        await page.waitForTimeout(200)
        const list = await shown()
        if (list.some((n) => n.tag === data.tag)) return list
      }
      throw new Error('what the worker shows is never among what is shown: ' + JSON.stringify(data))
    }
    await page.evaluate(() => { Object.defineProperty(document, 'hidden', { get: () => true }) })
    const other = await context.newPage() // the page of the person is in the background
    await other.goto('about:blank')
    await other.bringToFront()
    await deliver({ title: '掌柜', body: '有一件事等着你，期限 03-07 03:03', url: '/record/14.complaint/abc', tag: 'n1' })
    const list = await deliver({ title: '掌柜', body: '有一件事等着你，期限 03-07 03:03', url: '/record/14.complaint/abc', tag: 'n1' })
    must(list.length === 1 && list[0].body === '有一件事等着你，期限 03-07 03:03' && list[0].tag === 'n1' && list[0].url === '/record/14.complaint/abc', 'shown: ' + JSON.stringify(list))
    // pressed: the page it is about, and never another site
    const press = (tag) => sw.evaluate(async (tag) => {
      const [n] = await self.registration.getNotifications({ tag })
      const opened = []
      self.clients.openWindow = async (u) => { opened.push(u) }
      const event = new NotificationEvent('notificationclick', { notification: n })
      const ended = new Promise((done) => { const real = event.waitUntil; event.waitUntil = (p) => { real.call(event, p); void p.then(done) }; setTimeout(done, 2000) })
      self.dispatchEvent(event)
      await ended
      return opened
    }, tag)
    must((await press('n1')).join() === base + '/record/14.complaint/abc', 'pressed, another page opens, or none')
    await deliver({ title: '掌柜', body: '有一件事等着你', url: 'https://elsewhere.example/x', tag: 'n2' })
    must((await press('n2')).length === 0, 'a push leads to another site')
    await other.close()
    await row.getByRole('button', { name: '删去' }).click()
    await row.waitFor({ state: 'detached' })
  }],
]
