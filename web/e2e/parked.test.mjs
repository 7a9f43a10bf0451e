// New records begun side by side: the second call comes while the first is being written down.
import { ask, base, must, noForbidden, noOverflow, phone, signIn } from './browser.mjs'

const note = (page) => page.locator('main textarea').first()
/** What the form says once it is drawn; the address is there a moment before. */
const says = (page, words, else_) => page.waitForFunction((w) => document.querySelector('main textarea')?.value === w, words).catch(() => { throw new Error(else_) })
const tabs = (page) => page.getByRole('navigation', { name: '没填完的' })
const another = async (page, item) => {
  await page.getByRole('button', { name: '先放着，另记一件' }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

export default [
  ['parked: three at a time, each comes back after reload and sign-out, the fourth is refused in words', 'chenli', null, async (page) => {
    await page.goto(base + '/register/14.help_request/new')
    await note(page).fill('第一通：法兰渗漏')
    await tabs(page).waitFor()
    await another(page, /再记一件/)
    await page.waitForURL(/draft=2/)
    await says(page, '', 'the second begins with the first one’s words')
    await note(page).fill('第二通：要求派人')
    await another(page, '记别的表单')
    await page.getByRole('dialog').getByRole('button', { name: '客户反应', exact: false }).first().click()
    await page.waitForURL(/14\.customer_report\/new/)
    await page.locator('main input:visible, main textarea:visible').first().waitFor()
    await page.locator('main textarea:visible').first().fill('第三通：数量不对')
    must((await tabs(page).getByRole('listitem').count()) === 3, 'not three')
    await noOverflow(page)
    await noForbidden(page)
    await another(page, /再记一件/)
    const refused = page.getByRole('alert')
    await refused.waitFor()
    must(/已有 3 件没填完/.test(await refused.innerText()), await refused.innerText())
    await page.goto(base + '/register/14.petition/new')
    await page.getByRole('alert').waitFor()
    must(!(await page.locator('main textarea').count()), 'a fourth can be typed')

    await page.getByRole('button', { name: /陈立/ }).click()
    await page.getByRole('menuitem', { name: '退出登录' }).click()
    await page.locator('#account').waitFor()
    await signIn(page, 'chenli')
    await page.goto(base + '/register/14.help_request/new')
    await says(page, '第一通：法兰渗漏', 'the first is gone')
    await tabs(page).getByRole('link', { name: /第二通/ }).click()
    await page.waitForURL(/draft=2/)
    await says(page, '第二通：要求派人', 'the second is gone')
    must(/自动保存于 \d\d:\d\d/.test(await tabs(page).innerText()) && /正在填/.test(await tabs(page).innerText()), await tabs(page).innerText())

    await tabs(page).getByRole('button', { name: /不要这件：.*第三通/ }).click()
    await another(page, /再记一件/)
    await page.waitForURL(/draft=3/)
    await note(page).waitFor()
  }],
  ['parked: a paper about one case does not overwrite the draft about another', 'chenli', null, async (page) => {
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=2&sort=-number&q=26')
    const open = (r) => page.goto(`${base}/register/14.help_request/new?complaint=${r.id}&complaint.label=${r.number}`)
    const about = (r) => page.waitForFunction((n) => document.querySelector('#new-complaint')?.closest('.item').innerText.includes(n), r.number)
    await open(rows[0])
    await about(rows[0])
    must(!(await tabs(page).count()), 'a form nobody typed in is kept as a draft')
    await note(page).fill('第一件')
    await open(rows[1])
    await about(rows[1])
    must((await note(page).inputValue()) === '', 'the other case’s words')
    await open(rows[0])
    await about(rows[0])
    must((await note(page).inputValue()) === '第一件', 'the draft is gone')
  }],
  ['parked: a paper asks what the text of the case says that is chosen in it', 'chenli', null, async (page) => {
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=1&sort=-number')
    const form = await ask(page, '/api/form/14.help_request')
    const asked = form.fields.find((f) => f.id === 'asked')
    asked.label = { zh: '旧文本问的事', en: 'As the earlier text asks it' }
    await page.route(`**/api/form/14.help_request?record=${rows[0].id}`, (route) => route.fulfill({ json: form }))
    await page.goto(base + '/register/14.help_request/new')
    await note(page).fill('先填的话')
    await page.getByText('请求内容').first().waitFor()
    await page.locator('#new-complaint').fill(rows[0].number)
    await page.locator('.ant-select-item-option').filter({ hasText: rows[0].number }).first().click()
    await page.getByText('旧文本问的事').first().waitFor()
    await says(page, '先填的话', 'what was typed is gone')
  }],
  ['parked: what stands in a paper by itself is what the text of its case puts there, unless it was written over', 'chenli', null, async (page) => {
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=1&sort=-number')
    const form = await ask(page, '/api/form/14.help_request')
    const puts = (value) => ({ ...form, new: { ...form.new, asks: form.new.asks.map((a) => (a.field === 'asked' ? { ...a, value } : a)) } })
    await page.route('**/api/form/14.help_request', (route) => route.fulfill({ json: puts('现行的写法') }))
    await page.route(`**/api/form/14.help_request?record=${rows[0].id}`, (route) => route.fulfill({ json: puts('当时的写法') }))
    const choose = async () => {
      await page.locator('#new-complaint').fill(rows[0].number)
      await page.locator('.ant-select-item-option').filter({ hasText: rows[0].number }).first().click()
    }
    await page.goto(base + '/register/14.help_request/new')
    await says(page, '现行的写法', 'the present text puts nothing')
    await choose()
    await says(page, '当时的写法', 'the paper to an earlier case begins with what the present text says')
    await page.goto(base + '/register/14.help_request/new?draft=2')
    await says(page, '现行的写法', 'the present text puts nothing')
    await note(page).fill('自己的话')
    await choose()
    await page.waitForTimeout(300)
    await says(page, '自己的话', 'what was typed is gone')
  }],
  ['parked: the same customer and product, lately, are named while one types', 'chenli', null, async (page) => {
    const { rows } = await ask(page, `/api/form/14.complaint/record?limit=1&sort=-number&filter=${encodeURIComponent('has(this.customer) && has(this.product)')}`)
    const v = rows[0].values
    await page.goto(`${base}/register/14.complaint/new?customer=${v.customer.id}&customer.label=${encodeURIComponent(v.customer.label)}&product=${v.product.id}&product.label=${encodeURIComponent(v.product.label)}`)
    await page.getByText('近来同样的：').waitFor()
    await page.getByRole('status').getByRole('link').first().waitFor()
  }],
  ['parked: tabs on a phone', 'chenli', phone, async (page) => {
    await page.goto(base + '/register/14.help_request/new')
    await note(page).fill('第一通：法兰渗漏，客户在线上等')
    await another(page, /再记一件/)
    await page.waitForURL(/draft=2/)
    await says(page, '', 'the second begins with the first one’s words') // before that it would be the first that is written over
    await note(page).fill('第二通')
    await tabs(page).getByRole('link', { name: /第一通/ }).waitFor()
    await noOverflow(page)
  }],
]
