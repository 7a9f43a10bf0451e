// How notices reach a person now: in the page with a sound, and the channels he sets for himself.
import { ask, must, noForbidden, noOverflow, phone, signIn, smallest, base } from './browser.mjs'

const send = (page, method, path, body) =>
  page.evaluate(async ([m, p, b]) => {
    const me = await (await fetch('/api/me')).json()
    const r = await fetch(p, { method: m, headers: { 'Content-Type': 'application/json', [me.csrf_header ?? 'X-CSRF-Token']: me.csrf, 'Idempotency-Key': crypto.randomUUID() }, body: b ? JSON.stringify(b) : undefined })
    return { status: r.status, body: r.status === 204 ? null : await r.json() }
  }, [method, path, body])

/** Somebody else, in a browser of his own, tells a person something by the rules. */
async function tell(page, who) {
  const context = await page.context().browser().newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  const other = await context.newPage()
  await other.goto(base)
  await signIn(other, 'hejing')
  const { rows } = await ask(other, '/api/form/14.complaint/record?limit=1')
  const { rows: units } = await ask(other, `/api/form/base.unit/record?limit=50&filter=${encodeURIComponent(`this.name == '${who}'`)}`)
  const made = await send(other, 'POST', '/api/form/14.opinion_item/record', { values: { complaint: rows[0].id, text: '包装太薄' } })
  must(made.status === 201, 'no opinion: ' + JSON.stringify(made.body))
  const id = made.body.record?.id ?? made.body.id
  const done = await send(other, 'POST', `/api/form/14.opinion_item/record/${id}/assign`, { values: { dept: units[0].id } })
  must(done.status === 200, 'not assigned: ' + JSON.stringify(done.body))
  await context.close()
}

const arrives = async (page) => {
  await page.getByRole('heading', { name: /我的事/ }).waitFor()
  await page.mouse.click(5, 5) // a browser sounds only once it has been touched
  await tell(page, '质量管理部')
  const box = page.locator('.alarm')
  await box.waitFor()
  must(/意见|客诉/.test(await box.innerText()), 'the notice does not say what it is about')
  must((await page.locator('html').getAttribute('data-rang')) === '1', 'it did not sound once')
  await noOverflow(page)
  await noForbidden(page)
  await box.getByRole('button', { name: '知道了' }).click()
  await box.waitFor({ state: 'detached' })
  let read = false
  for (let i = 0; i < 300 && !read; i++) { // it goes from the page at once, and the server hears of it
    read = (await ask(page, '/api/notice')).rows[0].read
    if (!read) await page.waitForTimeout(100)
  }
  must(read, 'put away, and still unread')
}

const channels = async (page) => {
  await page.goto(base + '/me')
  const card = page.locator('.card, section').filter({ has: page.getByRole('heading', { name: '提醒怎样找到我' }) }).first()
  await card.waitFor()
  await page.getByText('制度条款要求的通知不受免打扰限制，照发。').waitFor()
  await page.getByRole('button', { name: '添加渠道' }).click()
  await page.getByLabel('机器人地址').fill('https://192.168.1.9/send?key=k')
  await page.getByRole('button', { name: '存下' }).click()
  await page.getByText('地址在内部网络里').first().waitFor()
  must((await page.getByLabel('机器人地址').inputValue()).includes('192.168'), 'what was typed is gone')
  await page.getByLabel('机器人地址').fill('https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=geheim')
  await page.getByLabel('免打扰起').fill('23:00')
  await page.getByLabel('免打扰止').fill('06:30')
  await noOverflow(page)
  await page.getByRole('button', { name: '存下' }).click()
  const row = page.locator('li.channel').filter({ hasText: '企业微信群机器人' })
  await row.waitFor()
  must(/qyapi\.weixin\.qq\.com/.test(await row.innerText()) && /23:00 至 06:30/.test(await row.innerText()), await row.innerText())
  must(!(await page.content()).includes('geheim'), 'the key is shown')
  await noOverflow(page)
  await noForbidden(page)
  await row.getByRole('button', { name: '删去' }).click()
  await row.waitFor({ state: 'detached' })
}

export default [
  ['alert: a notice appears and sounds once, and is put away', 'gaofeng', null, arrives],
  ['alert on the phone: a notice appears over the bar', 'gaofeng', phone, arrives],
  ['alert: a person sets his own channels, never one inside the house', 'limin', null, channels],
  ['alert on the smallest phone: a person sets his own channels', 'limin', smallest, channels],
  ['alert: sound is switched off on this device and stays off', 'limin', null, async (page) => {
    await page.goto(base + '/me')
    const sound = page.getByRole('switch', { name: '来通知时响一声' })
    await sound.click()
    await page.reload()
    await sound.waitFor()
    must((await sound.getAttribute('aria-checked')) === 'false', 'it is on again')
  }],
  ['alert: the administrator sees what did not arrive, others do not', 'hejing', null, async (page) => {
    await page.goto(base + '/settings')
    await page.getByRole('heading', { name: '没有送到的提醒' }).waitFor()
    await page.getByRole('heading', { name: '后台任务' }).waitFor()
    await page.getByText('提醒都送到了。').waitFor()
    await noOverflow(page)
    await noForbidden(page)
  }],
  ['alert: who sets nothing up is not shown it', 'limin', null, async (page) => {
    await page.goto(base + '/settings')
    await page.getByRole('heading', { level: 1 }).waitFor()
    must((await page.getByRole('heading', { name: '没有送到的提醒' }).count()) === 0, 'shown to everybody')
  }],
  ['alert: in the background the browser tells that something waits, not what, where its person allowed it', 'gaofeng', null, async (page, context) => {
    await context.grantPermissions(['notifications'], { origin: base })
    await page.addInitScript(() => {
      Object.defineProperty(document, 'hidden', { get: () => true })
      window.told = []
      const real = Notification
      window.Notification = class extends real {
        constructor(title, options) {
          super(title, options)
          window.told.push({ title, body: options?.body, tag: options?.tag })
        }
      }
    })
    await page.reload()
    await page.getByRole('heading', { name: /我的事/ }).waitFor()
    must((await page.evaluate(() => Notification.permission)) === 'granted', 'the browser does not allow it')
    await tell(page, '质量管理部')
    await page.locator('.alarm').waitFor()
    await page.waitForFunction(() => window.told.length === 1)
    const [n] = await page.evaluate(() => window.told)
    must(n.body === '有一件事等着你' && n.tag && !/意见|客诉|包装/.test(n.title + n.body), 'the system is told what it is about: ' + JSON.stringify(n))
  }],
  ['alert: where the browser was not allowed, the system is told nothing', 'gaofeng', null, async (page, context) => {
    await context.clearPermissions()
    await page.addInitScript(() => {
      Object.defineProperty(document, 'hidden', { get: () => true })
      window.told = 0
      const real = Notification
      window.Notification = class extends real { constructor(...a) { super(...a); window.told++ } }
    })
    await page.reload()
    await page.getByRole('heading', { name: /我的事/ }).waitFor()
    must((await page.evaluate(() => Notification.permission)) !== 'granted', 'allowed without being asked')
    await tell(page, '质量管理部')
    await page.locator('.alarm').waitFor()
    must((await page.evaluate(() => window.told)) === 0, 'told without leave')
  }],
  ['alert: a channel to a program asks for a secret long enough to sign with', 'limin', null, async (page) => {
    await page.goto(base + '/me')
    await page.getByRole('button', { name: '添加渠道' }).click()
    await page.locator('#channel-kind').press('Enter')
    await page.locator('.ant-select-item-option').filter({ hasText: '自有程序' }).click()
    await page.getByLabel('程序地址').fill('https://hook.example.com/in')
    await page.getByLabel('签名密钥').fill('short')
    await page.getByRole('button', { name: '存下' }).click()
    await page.getByText('签名密钥至少 16 个字符').first().waitFor()
    await page.getByLabel('签名密钥').fill('sixteen-letters!')
    await page.getByRole('button', { name: '存下' }).click()
    const row = page.locator('li.channel').filter({ hasText: '自有程序' })
    await row.waitFor()
    must(/hook\.example\.com/.test(await row.innerText()) && !(await page.content()).includes('sixteen-letters'), 'the secret is shown')
    await noForbidden(page)
    await row.getByRole('button', { name: '删去' }).click()
    await row.waitFor({ state: 'detached' })
  }],
]
