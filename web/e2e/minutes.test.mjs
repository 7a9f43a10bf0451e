// A property manager's desk at night: the hops of three, five and ten minutes, answered on a phone with one press each.
import { mkdirSync } from 'node:fs'
import { ask, must, noForbidden, noOverflow } from './browser.mjs'
import { fresh } from './fresh.mjs'

const PASSWORD = 'slate harbour 12 echoes'

const send = async (page, method, path, body) => {
  const r = await page.evaluate(async ([m, p, b]) => {
    const me = await (await fetch('/api/me')).json()
    const r = await fetch(p, { method: m, headers: { 'Content-Type': 'application/json', [me.csrf_header ?? 'X-CSRF-Token']: me.csrf ?? '', 'Idempotency-Key': crypto.randomUUID(), ...(m === 'PATCH' && { 'If-Match': '*' }) }, body: JSON.stringify(b) })
    return { ok: r.ok, body: r.status === 204 ? {} : await r.json() }
  }, [method, path, body])
  must(r.ok, `${method} ${path}: ${JSON.stringify(r.body)}`)
  return r.body.record ?? r.body
}
const file = (page, form, values) => send(page, 'POST', `/api/form/${form}/record`, { values })

/** One person who holds every post of the desk, in a company that adopted the regulation. */
async function company(page, address, code) {
  await page.goto(address)
  await page.getByRole('heading', { name: '初次使用' }).waitFor()
  await send(page, 'POST', '/api/first-run', { code, company: '花园物业', name: '何静', account: 'he', password: PASSWORD })
  await page.goto(address)
  await page.fill('#account', 'he')
  await page.fill('#password', PASSWORD)
  await page.keyboard.press('Enter')
  await page.locator('header.top').waitFor()
  const me = await ask(page, '/api/me')
  const { rows: [unit] } = await ask(page, '/api/form/base.unit/record')
  await send(page, 'PATCH', `/api/form/base.unit/record/${unit.id}`, { values: { head: me.person.id } })
  for (const role of ['front_desk', 'centre', 'estate_head', 'company_leader', 'board_leader', 'developer_service']) await file(page, 'base.role_grant', { person: me.person.id, role, unit: unit.id, from: '2020-01-01' })
  await file(page, 'base.adoption', { unit: unit.id, book: '10-complaint', version: '1.0', from: '2020-01-01' })
  await file(page, 'base.param_value', { book: '10-complaint', param: 'trial_from', value: '2020-08-15', from: '2020-01-01', reason: '试行' })
  return unit.id
}

export default [
  ['minutes: an emergency is answered on the phone, one press a hop', null, null, async (_, context) => {
    const { address, code, stop } = await fresh()
    try {
      const page = await context.newPage()
      await page.setViewportSize({ width: 390, height: 844 })
      const unit = await company(page, address, code)
      await page.mouse.click(5, 5)
      await page.goto(address + '/')
      const c = await file(page, '10.complaint', { happened_at: new Date().toISOString(), address: '三栋 501', subject: '主水管爆裂', withheld: '未及询问', project: unit, nature: 'major', dept: unit })
      await page.goto(address + '/')
      const row = (what) => page.locator('[data-task]').filter({ hasText: what })
      // three minutes: whom and how are there already, one press confirms them
      await row('紧急知会部门').or(row('已知会部门')).first().getByRole('button', { name: '已知会部门' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.waitFor()
      await dialog.locator('button[data-do]').waitFor()
      if (process.env.ZHANGGUI_SHOTS) await page.screenshot({ path: process.env.ZHANGGUI_SHOTS + '/minutes-three.png' })
      must(/何静/.test(await dialog.innerText()) || (await dialog.locator('input').evaluateAll((l) => l.map((i) => i.value).join())).includes('何静'), 'whom to notify is not filled in')
      await dialog.locator('button[data-do]').click()
      await dialog.waitFor({ state: 'detached' })
      // five minutes: two answers, each one press
      const office = row('管理处定夺').first()
      await office.waitFor()
      for (const name of ['管理处能解决', '上报主管领导']) must((await office.getByRole('button', { name }).boundingBox()).height >= 44, 'a button of the hop is too small for a thumb')
      await noOverflow(page)
      await noForbidden(page)
      if (process.env.ZHANGGUI_SHOTS) {
        mkdirSync(process.env.ZHANGGUI_SHOTS, { recursive: true })
        await page.screenshot({ path: process.env.ZHANGGUI_SHOTS + '/minutes-five.png' })
      }
      await office.getByRole('button', { name: '上报主管领导' }).click()
      await page.locator('.alarm').filter({ hasText: '上报' }).first().waitFor()
      must((await page.getByRole('dialog').count()) === 0, 'the answer asks again')
      // ten minutes
      const leader = row('主管领导定夺').first()
      await leader.waitFor()
      await page.locator('.alarm').first().getByRole('button', { name: '知道了' }).click()
      // the news of the answer may be here before the answer of the server is: the page stays where it is
      let heard = null
      await page.route('**/leader_*', async (route) => {
        heard = page.waitForResponse((r) => new URL(r.url()).pathname === `/api/form/10.complaint/record/${c.id}`)
        const answer = await route.fetch()
        await heard
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))))
        await route.fulfill({ response: answer })
      })
      await leader.getByRole('button', { name: '主管领导能协调' }).click()
      await leader.getByText('✓').waitFor()
      await leader.waitFor({ state: 'detached' }) // its sign that it is done stays a few seconds and goes
      must(heard, 'the answer was not held back')
      must(new URL(page.url()).pathname === '/', `the answer led away from the page: ${page.url()}`)
      const rec = await ask(page, `/api/form/10.complaint/record/${c.id}`)
      const limits = Object.fromEntries(rec.clocks.map((k) => [k.name, k.state]))
      for (const k of ['notify_due', 'office_due', 'leader_due']) must(/met|done|final|ok/.test(limits[k] ?? ''), `${k} is ${limits[k]}`)
    } finally {
      await stop()
    }
  }],
]
