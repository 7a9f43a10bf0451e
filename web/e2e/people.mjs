// What several people do in turn, each in a browser of his own: opening a record, filling what an act asks, pressing it.
import { ask, base, must, noForbidden, noOverflow, signIn } from './browser.mjs'

export const picture = { name: '签章.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64') }

/** Everybody has a browser of his own and comes back to it. */
export function desks(context) {
  const open = new Map()
  return async (account) => {
    if (!open.has(account)) {
      const page = await (await context.browser().newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })).newPage()
      page.setDefaultTimeout(15_000)
      await page.goto(base)
      await signIn(page, account)
      open.set(account, page)
    }
    return open.get(account)
  }
}

async function choose(page, box, text) {
  if ((await box.innerText()).includes(text)) return // filled in already
  await box.click()
  await page.keyboard.type(text)
  const list = page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden)')
  await list.locator('.ant-select-item-option').filter({ hasText: text }).first().click()
  await list.waitFor({ state: 'hidden' }) // else the next field would find this one's list on its way out
}

/** One field, however it is entered: a choice is picked, a chip pressed, a file given, everything else typed. */
async function put(page, item, value) {
  if (value === picture) return item.locator('input[type=file]').setInputFiles(picture)
  if (await item.locator('.ant-select').count()) return choose(page, item.locator('.ant-select').first(), value)
  if (await item.locator('.chips, [role=radio]').count()) return item.getByText(value, { exact: true }).first().click()
  await item.locator('input, textarea').first().fill(value)
  if (await item.locator('.ant-picker').count()) await page.keyboard.press('Tab')
}

/** Fills the form that lies open and presses its button. */
export async function fill(page, root, prefix, values, rows) {
  for (const more of await root.locator('button.link.more').all()) await more.click()
  for (const [id, value] of Object.entries(values)) {
    const field = root.locator(`[id="${prefix}-${id}"]`).first()
    await field.waitFor({ state: 'attached' })
    await put(page, root.locator('.item').filter({ has: page.locator(`[id="${prefix}-${id}"]`) }).last(), value)
  }
  for (const [legend, row] of Object.entries(rows)) {
    const lines = root.locator('fieldset.lines').filter({ has: page.locator('legend', { hasText: legend }) }).first()
    await lines.getByRole('button', { name: /加一行/ }).click()
    for (const [label, value] of Object.entries(row)) await put(page, lines.locator('.line').last().locator('.item').filter({ has: page.locator('label', { hasText: label }) }).first(), value)
  }
}

/** Somebody opens the record, fills what the act asks, presses it; it stands where it should. */
export const steps = (at) => async (account, form, id, act, then, values = {}, rows = {}) => {
  const state = async () => (await ask(await at(account), `/api/form/${form}/record/${id}`)).state
  const p = await at(account)
  await p.goto(`${base}/record/${form}/${id}`)
  await p.locator('h1').waitFor()
  const { open, closed } = (await ask(p, `/api/form/${form}/record/${id}`)).actions
  const a = open.find((x) => x.id === act)
  must(a, `${account} cannot ${act}: ${JSON.stringify(closed.find((x) => x.id === act)?.problem)}`)
  const inline = p.locator(`#stage [id^="act-${act}-"]`).first()
  await p.locator('.page-head .acts button').first().waitFor()
  if (await p.locator('#stage').count()) await inline.waitFor({ state: 'attached', timeout: 3000 }).catch(() => {})
  let root = p.locator('#stage')
  if (!(await inline.count())) {
    const button = p.locator('.page-head .acts').getByRole('button', a.sign ? {} : { name: a.label.zh, exact: true })
    if (await button.count()) await button.first().click()
    else {
      await p.locator('.page-head .acts button').last().click()
      await p.getByRole('menuitem', { name: a.label.zh }).click()
    }
    root = p.getByRole('dialog').last()
  }
  if (a.sign || a.fill?.length || a.lines?.length) {
    await root.waitFor()
    await fill(p, root, 'act-' + act, values, rows)
    await noForbidden(p)
    await noOverflow(p)
    await root.locator('[data-do]').first().click()
  }
  for (let i = 0; i < 300 && (await state()) !== then; i++) {
    if (await p.locator('.refusal:visible').count()) break
    await p.waitForTimeout(100)
  }
  const now = await state()
  must(now === then, `${account} ${act}: ${now} instead of ${then}; ${(await p.locator('.refusal:visible').allInnerTexts()).join(' ').slice(0, 300)}`)
}

/** A credit code nobody has, of that kind and place, its check digit right. */
const signs = '0123456789ABCDEFGHJKLMNPQRTUWXY'
export function creditCode(place) {
  const body = place + String(Math.floor(Math.random() * 1e9)).padStart(9, '0')
  const sum = [...body].reduce((n, c, i) => n + signs.indexOf(c) * (3 ** i % 31), 0)
  return body + signs[(31 - (sum % 31)) % 31]
}

/** A new record, its folds opened, filled and filed; answers its id. */
export async function file(page, form, values, given = '', rows = {}) {
  await page.goto(`${base}/register/${form}/new${given}`)
  await page.locator('main .act-buttons').waitFor()
  for (const shut = page.locator('main details.fold:not([open]) summary').first(); await shut.count(); ) await shut.click()
  await fill(page, page.locator('main'), 'new', values, rows)
  await noForbidden(page)
  await noOverflow(page)
  await page.locator('main .act-buttons .ant-btn-primary').click()
  await page.waitForURL(new RegExp(`/record/${form.replace('.', '\\.')}/`)).catch(async () => must(false, `${form}: ${(await page.locator('.refusal:visible').allInnerTexts()).join(' ')}`))
  return page.url().split('/').pop().split('?')[0]
}

/** Looks somewhere for a customer by the initials of his name, who is there. */
export async function found(page, initials, name) {
  await page.keyboard.press('/')
  await page.getByRole('combobox').fill(initials)
  await page.getByRole('option').filter({ hasText: name }).first().waitFor()
}

/** Files a customer's certificates, by kind and number. */
export async function certificates(page, given, list) {
  for (const [kind, licence_no] of list) await file(page, 'base.licence', { kind, licence_no, valid_until: '2029-12-31', scan: picture }, given)
}

/** What an act that leads to no other state does has come about. */
export async function until(page, form, id, is, what) {
  for (let i = 0; i < 150; i++) {
    if (is(await ask(page, `/api/form/${form}/record/${id}`))) return
    await page.waitForTimeout(100)
  }
  must(false, what)
}
