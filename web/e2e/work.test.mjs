import { ask, base, desktop, must, noForbidden, noOverflow, phone, smallest } from './browser.mjs'

const openCase = async (page, state) => {
  const { rows } = await ask(page, `/api/form/14.complaint/record?limit=1&sort=-number&filter=${encodeURIComponent(`this.state == '${state}'`)}`)
  must(rows?.length, 'the sample company has no case at ' + state)
  return rows[0]
}

export default [
  ['workbench: groups, deadlines said twice, one primary button', 'limin', null, async (page) => {
    await page.getByRole('heading', { name: /我的事/ }).waitFor()
    const row = page.locator('[data-task]').first()
    await row.waitFor()
    must(/还剩|逾期|不到/.test(await row.locator('.mark').innerText()), 'no remaining time')
    must(/\d{2}:\d{2}/.test(await row.locator('.exact').innerText()), 'no exact time')
    await noOverflow(page)
    await noForbidden(page)
  }],
  ['workbench by keyboard: J chooses, O opens the record, G W comes back', 'limin', null, async (page) => {
    await page.locator('[data-task]').first().waitFor()
    await page.keyboard.press('j')
    await page.locator('[data-task].chosen').waitFor()
    await page.keyboard.press('o')
    await page.waitForURL(/\/record\//)
    await page.locator('h1').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('w')
    await page.getByRole('heading', { name: /我的事/ }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog').filter({ hasText: '快捷键' }).waitFor()
  }],
  ['search by initials finds the customer and opens it', 'hejing', null, async (page) => {
    await page.keyboard.press('/')
    await page.getByRole('combobox').fill('thby')
    await page.getByRole('option').filter({ hasText: '泰和泵业' }).first().waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/record\/base\.customer\//)
    await page.getByRole('heading', { level: 1, name: /泰和泵业/ }).waitFor()
  }],
  ['a register opens a record with its way, limits and history', 'hejing', null, async (page) => {
    const c = await openCase(page, 'office')
    await page.goto(base + '/register/14.complaint')
    await page.getByRole('link', { name: c.number }).first().click()
    await page.locator('ol.path li[aria-current=step]').waitFor()
    for (const name of ['时限', '还不能办的事', '经过']) await page.getByRole('heading', { name, exact: true }).first().waitFor()
    await noOverflow(page)
    await noForbidden(page)
  }],
  ['back from a record: the same filter, the row marked', 'hejing', null, async (page) => {
    await page.goto(base + '/register/14.complaint?view=abroad&sort=-number')
    const link = page.locator('tbody tr').nth(1).getByRole('link').first()
    await link.click()
    await page.waitForURL(/\/record\//)
    await page.goBack()
    await page.locator('tr.came').waitFor()
    must(/view=abroad/.test(page.url()), page.url())
  }],
  ['filter by chips: the address holds it, taking it off restores', 'hejing', null, async (page) => {
    await page.goto(base + '/register/14.complaint')
    await page.locator('tbody tr').first().waitFor()
    const all = await page.locator('.total').innerText()
    await page.getByRole('button', { name: '筛选' }).click()
    await page.getByRole('dialog').getByRole('button', { name: '国外客户' }).click()
    await page.getByRole('button', { name: '加上这个条件' }).click()
    await page.waitForURL(/f=overseas/)
    await page.waitForFunction((before) => document.querySelector('.total')?.textContent !== before, all)
    await page.getByRole('button', { name: '去掉这个条件' }).click()
    await page.waitForFunction((before) => document.querySelector('.total')?.textContent === before, all)
  }],
  ['why a deadline falls when it falls', 'limin', null, async (page) => {
    const c = await openCase(page, 'quality')
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    await page.getByRole('button', { name: '为什么' }).first().click()
    const drawer = page.getByRole('dialog')
    await drawer.getByText('限期').first().waitFor()
    await drawer.getByText('日历').first().waitFor()
  }],
  ['a refusal says what, which clause, and keeps what was typed', 'limin', null, async (page) => {
    const c = await openCase(page, 'quality')
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    const stage = page.locator('#stage')
    await stage.locator('textarea').first().fill('首件砂型含水率 6.1%')
    await page.getByRole('button', { name: '提交调查结论' }).first().click()
    const refusal = stage.getByRole('alert')
    await refusal.waitFor()
    const said = await refusal.innerText()
    must(/还不能/.test(said) && /§ 14-/.test(said) && /你填的都在/.test(said), said)
    await page.reload()
    must((await page.locator('#stage textarea').first().inputValue()) === '首件砂型含水率 6.1%', 'the draft is gone')
    await page.getByText('这是').first().waitFor()
    await page.getByRole('button', { name: '不要草稿' }).click()
  }],
  ['the person who may is named where an act is closed', 'limin', null, async (page) => {
    const c = await openCase(page, 'quality')
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    const closed = page.locator('ul.closed')
    await closed.waitFor()
    must(/谁能办/.test(await closed.innerText()), await closed.innerText())
  }],
  ['pinyin initials while an input method composes do nothing else', 'limin', null, async (page) => {
    await page.locator('[data-task]').first().waitFor()
    await page.evaluate(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', isComposing: true, bubbles: true })))
    await page.waitForTimeout(300)
    must((await page.getByRole('dialog').count()) === 0, 'a shortcut ran while composing')
  }],
  ['the regulation clause by clause, a clause in a drawer without leaving', 'jianzhe', null, async (page) => {
    await page.goto(base + '/rulebook/14-complaint/14-9.5b')
    await page.locator('.book-side').getByText('系统替这一条做什么').waitFor()
    await page.goto(base + '/register/14.complaint')
    await page.getByRole('link', { name: /^26/ }).first().click()
    await page.locator('.clause').first().click()
    await page.getByRole('dialog').getByText('系统替这一条做什么').waitFor()
    must(/\/record\//.test(page.url()), page.url())
  }],
  ['the paper form shows its number, stamp and foot', 'hejing', null, async (page) => {
    const c = await openCase(page, 'manufacturing')
    await page.goto(`${base}/record/14.complaint/${c.id}/print`)
    const paper = page.locator('.paper')
    await paper.waitFor()
    const said = await paper.innerText()
    must(said.includes(c.number) && /内部文件，不得送客户/.test(said) && /校验码/.test(said), said.slice(0, 400))
  }],
  ...[['desktop', desktop], ['phone', phone], ['smallest phone', smallest]].map(([name, size]) => [`every page fits: ${name}`, 'hejing', size, async (page) => {
    const c = await openCase(page, 'office')
    for (const path of ['/', '/register', '/register/14.complaint', '/register/base.customer', `/record/14.complaint/${c.id}`, '/register/14.petition/new', '/rulebook', '/rulebook/14-complaint', '/report', '/ledger', '/board', '/calendar', '/audit', '/settings', '/notice', '/me', '/search?q=260307']) {
      await page.goto(base + path)
      await page.locator('main h1').first().waitFor()
      await page.locator('.skeleton').first().waitFor({ state: 'detached' })
      await noOverflow(page).catch((e) => { throw new Error(`${path}: ${e.message}`) })
      await noForbidden(page).catch((e) => { throw new Error(`${path}: ${e.message}`) })
      must((await page.locator('h1').count()) === 1, `${path}: not one h1`)
    }
  }]),
  ['a phone has a bar of four and a big button a task', 'limin', phone, async (page) => {
    must((await page.locator('nav.bar > *').count()) === 4, 'the bar has not four places')
    const box = await page.locator('[data-task] > .ant-btn').first().boundingBox()
    must(box && box.height >= 48 && box.width > 300, 'the button is too small: ' + JSON.stringify(box))
  }],
]
