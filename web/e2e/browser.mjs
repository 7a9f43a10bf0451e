// What every browser test needs: a person at a browser. Tests are lists of [name, who, size, what he does].
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

export const base = (process.env.ZHANGGUI_URL ?? process.env.ZHANGGUI_SERVER ?? 'http://127.0.0.1:8080').replace(/\/$/, '')
export const password = process.env.ZHANGGUI_PASSWORD ?? 'zhanggui-demo'
export const desktop = [1440, 900]
export const phone = [390, 844]
export const smallest = [320, 640]
const shots = process.env.ZHANGGUI_SHOTS

export const must = (ok, what) => {
  if (!ok) throw new Error(what)
}

export const start = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })

export async function signIn(page, account) {
  await page.fill('#account', account)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await page.locator('header.top').waitFor()
}

/** With ZHANGGUI_UNREST=seed every fourth answer of the server comes late, before or after it was worked out: what a slow network and a busy
 * machine do now and then. A test that holds only when all is quick fails, and is mended. */
async function unrest(context) {
  let n = Number(process.env.ZHANGGUI_UNREST)
  const next = () => (n = (n * 48271) % 2147483647) / 2147483647
  const late = () => new Promise((done) => setTimeout(done, next() < 0.6 ? 400 * next() : 2500 * next()))
  await context.route((url) => url.pathname.startsWith('/api/') && url.pathname !== '/api/event', async (route) => {
    const x = next()
    try {
      if (x < 0.12) await late()
      if (x < 0.88) return await route.continue()
      const answer = await route.fetch({ maxRedirects: 0 })
      await late()
      await route.fulfill({ response: answer })
    } catch {
      await route.abort().catch(() => {})
    }
  })
}

/** One context a test: its own cookies and storage. Errors of the page and breaches of its security policy fail the test. */
export async function run(browser, [name, account, size, what]) {
  const [width, height] = size ?? desktop
  const context = await browser.newContext({ viewport: { width, height }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', hasTouch: width < 768 })
  if (process.env.ZHANGGUI_UNREST) await unrest(context)
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const errors = []
  const foreign = []
  page.on('pageerror', (e) => errors.push(String(e)))
  page.on('console', (m) => { if (/Content Security Policy|Refused to/.test(m.text())) errors.push(m.text()) })
  page.on('request', (r) => { if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) foreign.push(r.url()) })
  let failure = null
  try {
    await page.goto(base)
    if (account) await signIn(page, account)
    await what(page, context)
    must(errors.length === 0, 'errors on the page: ' + errors.join('; '))
    must(foreign.length === 0, 'asked another host: ' + foreign.join(' '))
  } catch (e) {
    failure = e
  }
  if (shots) {
    mkdirSync(shots, { recursive: true })
    await page.screenshot({ path: `${shots}/${failure ? 'FAILED-' : ''}${name.replace(/[^\w]+/g, '-')}.png` }).catch(() => {})
  }
  await context.close()
  return failure
}

/** A picture of a page of a test's own, where pictures are wanted. */
export async function shot(page, name) {
  if (!shots) return
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
}

/** Neither the page nor a box in it reaches past the edge of the screen. A page that was just given another size is let settle first. */
export async function noOverflow(page) {
  let wide = ''
  for (const late = Date.now() + 15_000; ; await page.waitForTimeout(100)) {
    wide = await tooWide(page)
    if (!wide || Date.now() > late) break
  }
  must(!wide, 'something is wider than the screen: ' + wide)
}

const tooWide = (page) => page.evaluate(() => {
  if (document.documentElement.scrollWidth > innerWidth + 1) return `page ${document.documentElement.scrollWidth} > ${innerWidth}`
  const out = [...document.querySelectorAll('main *')].find((e) => {
    const r = e.getBoundingClientRect()
    return r.width > 0 && r.right > innerWidth + 1 && !e.closest('.table-box, .tabs, table, [style*="overflow"], .ant-select, .ant-picker')
  })
  return out ? `${out.tagName}.${out.className}` : ''
})

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What WCAG 2.2 AA's automated check finds on the page that is shown, one line a rule. */
export async function check(page) {
  await page.evaluate(axe) // not added as a script: the page's security policy stays as it is
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    return violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.html.slice(0, 140)} ${n.any.concat(n.all).map((x) => x.message).join('; ').slice(0, 160)}`).join(' | ')}`)
  })
}

/** Goes to another page as a link does, without loading the program anew, and waits until what the page asks the server is answered. */
export async function visit(page, path) {
  const asked = new Set()
  const begun = (r) => r.resourceType() !== 'eventsource' && !r.url().endsWith('/api/event') && asked.add(r)
  const ended = (r) => asked.delete(r)
  const heard = { request: begun, requestfinished: ended, requestfailed: ended }
  for (const [what, how] of Object.entries(heard)) page.on(what, how)
  await page.evaluate((p) => {
    history.pushState(null, '', p)
    dispatchEvent(new PopStateEvent('popstate'))
    scrollTo(0, 0)
  }, path)
  // drawn six times over with nothing under way: what an answer brings may ask again
  const drawn = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 25))))
  for (let quiet = 0, late = Date.now() + 30_000; quiet < 6 && Date.now() < late; await drawn()) quiet = asked.size ? 0 : quiet + 1
  for (const [what, how] of Object.entries(heard)) page.off(what, how)
  await page.locator('.skeleton').first().waitFor({ state: 'detached' })
}

export const text = async (page) => page.locator('main').innerText()

/** No forbidden word of the interface's glossary in what the page itself says. */
export async function noForbidden(page) {
  const said = await page.locator('body').innerText()
  const bad = /流程实例|任务池|触发器|字段校验|参数错误|无权限|操作成功|操作失败|系统繁忙|登陆|undefined|\[object|NaN|\bnull\b/.exec(said)
  must(!bad, 'forbidden on a screen: ' + bad)
}

/** Every record of a register, by what the server says. */
export const ask = (page, path) => page.evaluate(async (p) => (await fetch(p, { headers: { Accept: 'application/json' } })).json(), path)

/** The first record of a form of which a condition holds. */
export const first = async (page, form, that) => (await ask(page, `/api/form/${form}/record?limit=1&filter=${encodeURIComponent(that)}`)).rows[0]

/** What a person presses elsewhere, sent by itself: the way to a state that a test wants to look at. */
export const send = (page, method, path, body) => page.evaluate(async ([method, path, body]) => {
  const me = await (await fetch('/api/me')).json()
  const res = await fetch(path, { method, headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'Idempotency-Key': crypto.randomUUID(), [me.csrf_header ?? 'X-CSRF-Token']: me.csrf, ...(method === 'PATCH' && { 'If-Match': '*' }) }, body: JSON.stringify(body) })
  const answer = await res.json()
  if (!res.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer).slice(0, 600)}`)
  return answer
}, [method, path, body])
