// Personal data: found without being readable, handed to the person it is about, and erased for good.
import { ask, base, must, noForbidden, noOverflow, phone } from './browser.mjs'

const send = (page, path, body) => page.evaluate(async ([p, b]) => {
  const me = await (await fetch('/api/me')).json()
  const res = await fetch(p, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf }, body: JSON.stringify(b) })
  return { status: res.status, ...(await res.json()) }
}, [path, body])

const FORM = 'base.personal_request'
const requests = {}

async function shot(page, name) {
  if (process.env.ZHANGGUI_SHOTS) await page.screenshot({ path: `${process.env.ZHANGGUI_SHOTS}/${name}.png`, fullPage: true })
}

export default [
  ['personal data: a customer is found by the end of a contact\'s number, and a request is received', 'chenli', null, async (page) => {
    await page.goto(base + '/register/base.customer?q=4798')
    await page.getByText('泰和泵业有限公司').first().waitFor()
    for (const [kind, tail, contact] of [['copy', '4798', '孙先生'], ['erase', '2728', '陈先生']]) {
      const { rows } = await ask(page, `/api/form/base.customer/record?q=${tail}`)
      must(rows.length === 1, `${rows.length} customers have a contact whose number ends with ${tail}`)
      const made = await send(page, `/api/form/${FORM}/record`, { values: { kind, customer: rows[0].id, contact } })
      must(made.status === 201, 'no request: ' + JSON.stringify(made))
      requests[kind] = { id: made.id, customer: rows[0].id }
      const own = await send(page, `/api/form/${FORM}/record/${made.id}/approve`, { values: { identity: '电话回拨' } })
      must(own.status === 422 || own.status === 403, 'who received the request decides it: ' + own.status)
    }
  }],
  ['personal data: the copy is made once it is approved, whole and printable', 'hejing', null, async (page) => {
    const { id } = requests.copy
    await send(page, `/api/form/${FORM}/record/${id}/approve`, { values: { identity: '当面核对证件' } })
    await page.goto(`${base}/record/${FORM}/${id}`)
    await page.getByRole('button', { name: '个人信息副本' }).click()
    await page.getByRole('button', { name: '生成副本' }).click()
    const paper = page.locator('article.paper')
    await paper.waitFor()
    const said = await paper.innerText()
    must(/孙先生/.test(said) && /13951554798|139 5155 4798/.test(said) && /泰和泵业/.test(said), 'the copy lacks what is held: ' + said)
    await noForbidden(page)
    await noOverflow(page)
    await shot(page, 'personal-copy-desktop')
    await page.getByRole('button', { name: '下载数据文件' }).waitFor()
  }],
  ['personal data: the copy on the phone', 'hejing', phone, async (page) => {
    await page.goto(`${base}/personal-copy/${requests.copy.id}`)
    await page.getByRole('button', { name: '生成副本' }).click()
    await page.locator('article.paper').waitFor()
    await noOverflow(page)
    await shot(page, 'personal-copy-phone')
  }],
  ['personal data: an erased contact reads so, and nobody finds him', 'hejing', null, async (page) => {
    const { id, customer } = requests.erase
    await send(page, `/api/form/${FORM}/record/${id}/approve`, { values: { identity: '电话回拨' } })
    const done = await send(page, `/api/form/${FORM}/record/${id}/erase`, { reason: '本人要求删除' })
    must(done.status === 200, 'not erased: ' + JSON.stringify(done))
    must((await ask(page, '/api/form/base.customer/record?q=2728')).rows.length === 0, 'still found by his number')
    await page.goto(`${base}/record/base.customer/${customer}`)
    await page.getByText('已擦除').first().waitFor()
    await noForbidden(page)
    await noOverflow(page)
    await shot(page, 'personal-erased')
  }],
  ['personal data: who edits the customer leaves the erased contact as it is', 'chenli', null, async (page) => {
    await page.goto(`${base}/record/base.customer/${requests.erase.customer}`)
    await page.getByRole('button', { name: /修\s*改/ }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('output').filter({ hasText: '已擦除' }).first().waitFor()
    await dialog.locator('#act-edit-short_name').fill('改过的简称')
    await dialog.locator('[data-do]').click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('改过的简称').first().waitFor()
    await page.getByText('已擦除').first().waitFor()
  }],
]
