// Two papers that must agree: the approved quantities against what came back.
import { ask, base, must, noForbidden, noOverflow, phone, send, signIn } from './browser.mjs'

/** A return slip that was received with one piece too many, made by those whose work it is. */
async function slip(page, context) {
  const desk = async (account) => {
    const p = await (await context.browser().newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })).newPage()
    await p.goto(base)
    await signIn(p, account)
    return p
  }
  const sales = await desk('chenli')
  const chief = await desk('mazhiyuan')
  const store = await desk('fangcang')
  const products = (await ask(sales, '/api/form/base.product/record?limit=20')).rows
  const cases = (await ask(sales, `/api/form/14.complaint/record?limit=50&sort=-number&filter=${encodeURIComponent("this.handling == 'goods_return' && this.state == 'finished'")}`)).rows
  let made
  for (const c of cases) {
    const other = products.find((p) => p.id !== c.values.product.id)
    const lines = [{ product: c.values.product.id, approved: '1', price: '1.00' }, { product: other.id, approved: '2', price: '1.00' }]
    made = await send(sales, 'POST', '/api/form/14.return_slip/record', { values: { complaint: c.id, reason_text: '砂眼', method: '退货', basis: '核决' }, lines: { lines } }).catch((e) => { made = e })
    if (made?.id) {
      made.parts = [c.values.product.id, other.id]
      break
    }
  }
  must(made?.id, 'no return slip could be made of ' + cases.length + ' cases: ' + made)
  const act = (p, name, body = {}) => send(p, 'POST', `/api/form/14.return_slip/record/${made.id}/${name}`, body)
  await act(chief, 'release')
  await act(store, 'count_goods', { lines: { counts: [{ product: made.parts[0], quantity: '1' }, { product: made.parts[1], quantity: '3' }] } })
  await act(store, 'ask_instruction', { values: { question: '多收一件' } })
  await act(chief, 'give_instruction', { values: { instruction: 'take_actual' } })
  await act(store, 'sign_for')
  for (const p of [sales, chief, store]) await p.context().close()
  return made.id
}

export default [
  ['compare: what differs first, what is the same folded, only the ways of the clause below', 'zhoukuaiji', null, async (page, context) => {
    const id = await slip(page, context)
    await page.goto(`${base}/record/14.return_slip/${id}`)
    const table = page.locator('.compare')
    await table.waitFor()
    must(/§ 14-13\.2a/.test(await table.innerText()), 'the clause is not named')
    const rows = table.locator('tbody tr')
    const told = await rows.allInnerTexts()
    must(told.length && told.every((x) => /≠ 不同/.test(x)), 'something that agrees is not folded: ' + told.join(' | '))
    must(told.some((x) => /数量[\s\S]*2[\s\S]*3/.test(x)), 'the piece too many is not shown: ' + told.join(' | '))
    await table.getByRole('button', { name: /另有 1 项相同/ }).click()
    must(/✓ 相同/.test(await rows.last().innerText()) && (await rows.count()) === told.length + 1, 'what agrees does not come last')
    const ways = table.locator('.compare-ways')
    must(/核对/.test(await ways.innerText()) && /超量要先核决/.test(await ways.innerText()) && !/开立传票|作废|打印/.test(await ways.innerText()), await ways.innerText())
    await noOverflow(page)
    await noForbidden(page)
    await page.evaluate(() => localStorage.setItem('zg:language', 'en'))
    await page.reload()
    await page.getByText('≠ Differs').first().waitFor()
    must(/Copy 4 of the form/.test(await table.innerText()) && !/[\u4e00-\u9fff]/.test(await table.locator('thead').innerText()), await table.innerText())
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await table.waitFor()
    await noOverflow(page)
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.evaluate(() => localStorage.setItem('zg:language', 'zh'))
    await page.reload()
    await table.waitFor()
  }],
]
