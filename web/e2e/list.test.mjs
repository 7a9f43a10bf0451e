import { ask, base, must, noForbidden, noOverflow, signIn } from './browser.mjs'

const register = base + '/register/14.complaint'
const tab = (page, name) => page.getByRole('tab', { name: new RegExp('^' + name + ' ?\\d*$') })
const keep = async (page, name, what) => {
  await page.getByRole('button', { name: `视图“${name}”还能怎么办` }).click()
  await page.getByRole('menuitem', { name: what }).click()
}

/** A request to the server in the name of whoever sits at this browser. */
const send = (page, method, path, body) => page.evaluate(async ([m, p, b]) => {
  const me = await (await fetch('/api/me')).json()
  const res = await fetch(p, { method: m, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf }, body: b && JSON.stringify(b) })
  return res.status === 204 ? null : res.json()
}, [method, path, body])
const dropAll = async (page) => {
  for (const v of await ask(page, '/api/form/14.complaint/view')) if (v.may_edit) await send(page, 'DELETE', '/api/form/14.complaint/view/' + v.id)
}

/** Another person at a browser of his own. */
const other = async (context, account) => {
  const page = await (await context.browser().newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN' })).newPage()
  await page.goto(base)
  await signIn(page, account)
  return page
}

export default [
  ['a view of one\'s own: kept, opened first, renamed, dropped', 'hejing', null, async (page) => {
    const name = '国外' + (Date.now() % 1e6)
    await dropAll(page)
    await page.goto(register + '?f=overseas~yes~~&sort=-number')
    await page.locator('tbody tr').first().waitFor()
    const total = await page.locator('.total').innerText()
    await page.getByRole('button', { name: '存为视图' }).click()
    await page.getByRole('textbox', { name: '视图名称' }).fill(name)
    await page.getByRole('checkbox', { name: '打开时先用它' }).check()
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: new RegExp(name), selected: true }).waitFor()
    await page.goto(register)
    await page.waitForURL(/f=overseas/)
    await page.waitForFunction((t) => document.querySelector('.total')?.textContent === t, total)
    await noOverflow(page)
    await noForbidden(page)
    await tab(page, '全部').click()
    await page.waitForFunction((t) => document.querySelector('.total')?.textContent !== t, total)
    await tab(page, name).click()
    await keep(page, name, '改名')
    await page.getByRole('textbox', { name: '视图名称' }).fill(name + '改')
    await page.keyboard.press('Enter')
    await tab(page, name + '改').waitFor()
    await keep(page, name + '改', '删去视图')
    await tab(page, name + '改').waitFor({ state: 'detached' })
    await page.goto(register)
    await page.locator('tbody tr').first().waitFor()
    must(!/f=overseas/.test(page.url()), 'a dropped view still opens the register')
  }],
  ['the head of a unit shares a view; its people open it and cannot change it', 'mazhiyuan', null, async (page, context) => {
    const name = '业务部' + (Date.now() % 1e6)
    await page.goto(register + '?f=state~is~quality~&cols=customer,at')
    await page.locator('.total').waitFor()
    await page.getByRole('button', { name: '存为视图' }).click()
    await page.getByRole('textbox', { name: '视图名称' }).fill(name)
    await page.getByRole('checkbox', { name: '与业务部共用' }).check()
    await page.getByRole('button', { name: '存', exact: true }).click()
    await page.getByRole('tab', { name: new RegExp(name) }).waitFor()
    const theirs = await other(context, 'chenli')
    await theirs.goto(register)
    await theirs.getByRole('tab', { name: new RegExp(name) }).click()
    await theirs.waitForURL(/f=state/)
    must((await theirs.getByRole('button', { name: new RegExp(`视图“${name}”`) }).count()) === 0, 'who did not make it may change it')
    const stranger = await other(context, 'limin')
    const { length } = (await ask(stranger, '/api/form/14.complaint/view')).filter((v) => v.name === name)
    must(length === 0, 'another unit sees the view')
    await keep(page, name, '删去视图')
    await page.getByRole('tab', { name: new RegExp(name) }).waitFor({ state: 'detached' })
    await theirs.context().close()
    await stranger.context().close()
  }],
  ['a name taken is said in words, and nothing is lost', 'chenli', null, async (page) => {
    const name = '同名' + (Date.now() % 1e6)
    const { id } = await send(page, 'POST', '/api/form/14.complaint/view', { name, query: '' })
    await page.goto(register + '?sort=-number')
    await page.getByRole('button', { name: '存为视图' }).click()
    await page.getByRole('textbox', { name: '视图名称' }).fill(name)
    await page.keyboard.press('Enter')
    const said = await page.getByRole('alert').innerText()
    must(/你已有同名的视图/.test(said), said)
    must((await page.getByRole('textbox', { name: '视图名称' }).inputValue()) === name, 'the name typed is gone')
    await send(page, 'DELETE', '/api/form/14.complaint/view/' + id)
  }],
  ['a day written in a filter stays that day, and each tab says how many it holds', 'hejing', null, async (page) => {
    await page.goto(register + '?all=1')
    await page.locator('tbody tr').first().waitFor()
    const all = page.getByRole('tab', { name: /^全部/ })
    await page.getByRole('tab', { name: /^在办 ?\d+/ }).waitFor()
    const total = /\d+/.exec(await page.locator('.total').innerText())[0]
    must((await all.innerText()).includes(total), `${await all.innerText()} and ${total}`)
    await page.getByRole('button', { name: '筛选' }).click()
    await page.getByRole('dialog').getByRole('button', { name: '交运日期' }).click()
    await page.getByRole('radio', { name: '不小于' }).click()
    let asked = ''
    page.on('request', (r) => { if (/\/record\?/.test(r.url())) asked = new URL(r.url()).searchParams.get('filter') })
    await page.locator('#filter-value').fill('2025-07-15')
    await page.keyboard.press('Tab')
    await page.getByRole('button', { name: '加上这个条件' }).click()
    await page.waitForURL((u) => u.searchParams.get('f') === 'shipped_on~ge~2025-07-15~')
    await page.waitForFunction((t) => !document.querySelector('.total')?.textContent.includes(t), total)
    must(asked === "this.shipped_on >= date('2025-07-15')", 'the filter is ' + asked)
  }],
  ['one action on many rows: done, refused with clause and reason, each by itself', 'hejing', null, async (page) => {
    const left = async (state) => (await ask(page, `/api/form/14.reminder/record?count=1&limit=1&filter=${encodeURIComponent(`this.state == '${state}'`)}`)).total
    const before = await left('draft')
    must(before >= 2, 'no drafts of reminders left: ' + before)
    await page.goto(base + '/register/14.reminder?all=1&sort=state')
    const rows = page.locator('tbody tr')
    await rows.first().waitFor()
    for (const i of [0, 1, 49]) await rows.nth(i).getByRole('checkbox').check()
    const bar = page.getByRole('region', { name: '一起办' })
    await bar.getByText('已勾 3 件').waitFor()
    await bar.getByRole('button', { name: '发出催办单' }).click()
    const side = page.getByRole('dialog')
    await side.getByText('3 件里办了 2 件').waitFor()
    const said = await side.innerText()
    must(/1 件没办成/.test(said) && /CB\d+/.test(said) && /现在是“(已办|已发)”/.test(said), said)
    must((await left('draft')) === before - 2, 'not two drafts fewer')
    await noOverflow(page)
    await noForbidden(page)
  }],
  ['many rows with a word common to all; stopped in the middle, the rest is left alone', 'luming', null, async (page) => {
    await page.goto(base + '/register/14.reminder?all=1&sort=state')
    const rows = page.locator('tbody tr')
    await rows.first().waitFor()
    for (let i = 0; i < 12; i++) await rows.nth(i).getByRole('checkbox').check()
    let asked = 0
    await page.route('**/bulk/settle', async (route) => {
      asked++
      const { records } = route.request().postDataJSON()
      must(route.request().postDataJSON().values.answer === '已处理', 'the common word is missing')
      await new Promise((r) => setTimeout(r, 800))
      await route.fulfill({ json: { done: records.length, refused: 0, results: records.map((x) => ({ id: x.id, ok: true })) } })
    })
    const bar = page.getByRole('region', { name: '一起办' })
    await bar.getByRole('button', { name: '已办', exact: true }).click()
    const side = page.getByRole('dialog')
    await side.getByLabel(/答复/).fill('已处理')
    await side.getByRole('button', { name: '已办，12 件' }).click()
    await page.getByRole('button', { name: '停下' }).click()
    await page.getByText('停下了，还有 4 件没办。').waitFor()
    must(asked === 1, `asked ${asked} times after stopping`)
  }],
]
