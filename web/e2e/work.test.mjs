import { ask, base, desktop, must, noForbidden, noOverflow, phone, send, smallest } from './browser.mjs'

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
    must(/\d{2}:\d{2}|\d{4}-\d{2}-\d{2}/.test(await row.locator('.exact').innerText()), 'no exact time') // of another year the day
    await noOverflow(page)
    await noForbidden(page)
  }],
  ['of very many tasks the first are listed, all are counted, and the rest comes when it is asked for', 'limin', null, async (page) => {
    let cut = null
    await page.route(/\/api\/task$/, async (route) => { // as the server answers one who has hundreds
      const answer = await route.fetch()
      const body = await answer.json()
      for (const g of Object.keys(body.groups)) body.groups[g] = cut(body.groups[g], g)
      await route.fulfill({ response: answer, json: { ...body, more: true } })
    })
    const { counts } = await ask(page, '/api/task?all=1')
    const [group, other] = Object.keys(counts).filter((g) => counts[g] > 1)
    must(other, 'nobody has two tasks in two groups')
    const listed = (g) => page.locator(`#${g} [data-task]`).count()
    const whole = (g) => page.waitForFunction(([g, n]) => document.querySelectorAll(`#${g} [data-task]`).length === n, [g, Math.min(counts[g], 25)])

    cut = (list) => list.slice(0, 1)
    await page.reload()
    await page.locator('[data-task]').first().waitFor()
    must((await listed(group)) === 1, 'more than the first')
    must((await page.locator('#' + group).innerText()).includes(String(counts[group])), 'all are not counted')
    await noOverflow(page)
    await page.locator('#' + group).getByRole('button', { name: `再显示 ${counts[group] - 1} 件` }).click()
    await whole(group)
    await page.getByRole('button', { name: '列出全部的事' }).waitFor({ state: 'detached' })

    cut = (list, g) => (g === group ? list.slice(0, 1) : []) // the first are all of one group
    await page.reload()
    await page.locator('[data-task]').first().waitFor()
    must((await listed(other)) === 0 && (await page.locator('#' + other).innerText()).includes(String(counts[other])), 'a group that is counted is not there')
    await page.locator('#' + other).getByRole('button', { name: `再显示 ${counts[other]} 件` }).click()
    await whole(other)

    cut = (list) => list // only stages without a limit were left out, which nobody counts
    await page.reload()
    await page.getByRole('button', { name: '列出全部的事' }).click()
    await page.getByRole('button', { name: '列出全部的事' }).waitFor({ state: 'detached' })
    await whole(group)
  }],
  ['what a task offers is open on its record, and is never beside the way', 'hejing', null, async (page) => {
    await page.locator('[data-task]').first().waitFor()
    must(!/更正国内外/.test(await page.locator('main').innerText()), 'a time limit offers to change domestic or overseas')
    const { groups } = await ask(page, '/api/task')
    const tasks = Object.values(groups).flat()
    must(tasks.length > 0, 'no tasks')
    for (const x of [...tasks.filter((x) => x.deadline).slice(0, 15), ...tasks.filter((x) => !x.deadline).slice(0, 15)]) {
      if (!x.action) continue
      const { actions } = await ask(page, `/api/form/${x.form}/record/${x.record}`)
      const closed = actions.closed.find((a) => a.id === x.action)
      must(actions.open.some((a) => a.id === x.action) || ['gate', 'require'].includes(closed?.problem.group), `${x.label.zh} of ${x.number} offers ${x.action}: ${closed?.problem.detail}`)
    }
  }],
  ['a dialog is typed into at once: what to file is found by its name and opened by Enter', 'chenli', null, async (page) => {
    await page.keyboard.press('n')
    await page.getByRole('dialog').getByRole('textbox').waitFor()
    await page.waitForFunction(() => document.activeElement.matches('[role=dialog] input'))
    await page.keyboard.type('转答')
    await page.keyboard.press('Enter')
    await page.waitForURL(/register\/14\.\w+\/new/)
    await page.getByRole('heading', { name: /转答客户/ }).waitFor()
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
    const said = await drawer.innerText()
    must(/依公司参数“[^”]+”\s+阶段 质管调查，国外客户 [是否]，期限 \d+ 天，\d{4}-\d\d-\d\d 起/.test(said), 'the company value is missing: ' + said)
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
    must(/还不能办/.test(said) && /§ 14-/.test(said) && /你填的都在/.test(said), said)
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
    const c = await openCase(page, 'finished')
    await page.goto(`${base}/record/14.complaint/${c.id}/print`)
    const paper = page.locator('.paper')
    await paper.waitFor()
    const said = await paper.innerText()
    must(said.includes(c.number) && /内部文件，不得送客户/.test(said) && /校验码/.test(said), said.slice(0, 400))
    must(/预览，已打印 0 次/.test(said), said.slice(-200))
    // printing is counted once, and the browser prints what was counted
    await page.evaluate(() => { window.print = () => { window.paper = document.querySelector('.paper footer').innerText } })
    await page.getByRole('button', { name: '打印' }).click()
    await page.waitForFunction(() => window.paper)
    must(/打印，第 1 次/.test(await page.evaluate(() => window.paper)), await page.evaluate(() => window.paper))
    await page.getByText('预览，已打印 1 次').waitFor()
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
  ['a clerk files a help request: pinyin choice, one press, it runs at once', 'chenli', null, async (page) => {
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=1&sort=-number&q=26')
    await page.goto(base + '/register/14.help_request/new')
    await page.getByLabel('客诉案').click()
    await page.keyboard.type(rows[0].number)
    await page.locator('.ant-select-item-option').filter({ hasText: rows[0].number }).first().click()
    await page.locator('main textarea').first().fill('请派人到客户现场看法兰')
    await page.keyboard.press('Control+Enter')
    await page.waitForURL(/\/record\/14\.help_request\//)
    await page.locator('.clocks .mark').first().waitFor()
    await page.getByText('请派人到客户现场看法兰').first().waitFor()
  }],
  ['a clerk files a case and sends it on in one go; what is missing is said before anything is kept', 'chenli', null, async (page) => {
    const count = async () => (await ask(page, '/api/form/14.complaint/record?limit=1&count=1')).total
    const ship = (await ask(page, '/api/form/base.shipment/record?limit=1')).rows[0].values
    const before = await count()
    await page.goto(base + '/register/14.complaint/new')
    const choose = async (id, text) => {
      await page.locator(`#new-${id}`).click()
      await page.keyboard.type(text)
      await page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option').filter({ hasText: text }).first().click()
    }
    await choose('customer', ship.customer.label)
    await choose('sales_order', ship.sales_order.label.split(' ')[0])
    await choose('product', ship.product.label.split(' ')[0])
    // a date that was typed stays when one goes on with Tab
    await page.locator('#new-shipped_on').fill(ship.shipped_on)
    await page.keyboard.press('Tab')
    await page.locator('#new-confirmed_at').fill('2026-03-16 09:30')
    await page.keyboard.press('Tab')
    for (const [id, text] of [['quantity', '20'], ['defective_qty', '3'], ['customer_reason', '尺寸超差，装不上'], ['contact_name', '周先生']]) await page.fill(`#new-${id}`, text)
    must(!(await page.locator('#new-combined_opinion').count()), 'a clerk is asked for the opinion of the general manager’s office')
    await page.getByRole('button', { name: '签注意见送总经理室' }).click()
    const alert = page.getByRole('alert')
    await alert.waitFor()
    must(/还要填“客户要求”/.test(await alert.innerText()) && /还要填“业务部意见”/.test(await alert.innerText()) && !/确认时间|交运日期/.test(await alert.innerText()), await alert.innerText())
    must((await count()) === before, 'kept before it was complete')
    await page.locator('#new-request').click()
    await page.locator('.ant-select-item-option').filter({ hasText: '折让' }).first().click()
    await page.fill('#new-sales_comment', '情况属实，请尽快查明')
    await page.getByText('样品与业务意见').click()
    for (const [id, text] of [['sample_no', 'S-1'], ['sample_qty', '2'], ['sample_place', '质检室']]) await page.fill(`#new-${id}`, text)
    await page.getByRole('button', { name: '签注意见送总经理室' }).click()
    await page.waitForURL(/\/record\/14\.complaint\//)
    await page.locator('ol.path li[aria-current=step]').filter({ hasText: '编号登记' }).waitFor()
    must((await count()) === before + 1, 'not one case more')
  }],
  ['a case offers the papers that follow from it, when they may be filed', 'chenli', null, async (page) => {
    const early = await openCase(page, 'manufacturing')
    const { opens } = await ask(page, `/api/form/14.complaint/record/${early.id}`)
    must(opens.length > 0 && !opens.some((x) => ['14.petition', '14.allowance_certificate', '14.return_slip', '14.reply'].includes(x.form)), JSON.stringify(opens))
    const decided = await openCase(page, 'closed')
    await page.goto(`${base}/record/14.complaint/${decided.id}`)
    await page.getByRole('button', { name: '另开一张…' }).click()
    await page.getByRole('menuitem', { name: '签呈' }).click()
    await page.waitForURL(/14\.petition\/new/)
    await page.waitForFunction((n) => document.querySelector('#new-complaint')?.closest('.item').innerText.includes(n), decided.number)
  }],
  ['two presses make one record', 'chenli', null, async (page) => {
    const count = async () => (await ask(page, '/api/form/14.help_request/record?limit=1&count=1')).total
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=1&sort=-number&q=26')
    const before = await count()
    await page.goto(`${base}/register/14.help_request/new?complaint=${rows[0].id}&complaint.label=${rows[0].number}`)
    await page.locator('main textarea').first().fill('请回复客户')
    await page.locator('.act-buttons .ant-btn-primary').dblclick()
    await page.waitForURL(/\/record\/14\.help_request\//)
    must((await count()) === before + 1, `not one record more: ${before} → ${await count()}`)
  }],
  ['a signature binds a sentence; declining without a word is held back', 'limin', null, async (page) => {
    const c = await openCase(page, 'quality')
    await page.route(`**/api/form/14.complaint/record/${c.id}`, async (route) => {
      const answer = await route.fetch()
      const rec = await answer.json()
      rec.actions.open = [{ id: 'decide', label: { zh: '核决', en: 'Decide' }, clause: '14-11', reason: 0, fill: [], lines: [], primary: true,
        sign: { approval: 'settlement', amount: '13800.00', amount_cn: '', statement: { zh: '同意折让 ¥13,800.00', en: '' }, why: { clause: '14-11', text: { zh: '由你核决', en: '' } } } }]
      await route.fulfill({ response: answer, json: rec })
    })
    await page.goto(`${base}/record/14.complaint/${c.id}?act=decide`)
    const dialog = page.getByRole('dialog')
    await dialog.getByText('人民币壹万叁仟捌佰元整').waitFor()
    await dialog.getByRole('button', { name: '不同意' }).click()
    await dialog.getByText('不同意要写批示').waitFor()
    must(await dialog.getByRole('button', { name: '同意并签字' }).isVisible(), 'the dialog closed')
  }],
  ['edited and closed by another: the page stays, and says why it cannot be saved', 'chenli', null, async (page) => {
    const made = await send(page, 'POST', '/api/form/base.product/record', { values: { part_no: 'TST-' + Date.now(), name: '试验圆钢' } })
    await page.goto(`${base}/record/base.product/${made.id}`)
    await page.locator('.acts').getByRole('button', { name: '修改' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('品名').fill('正在改的名称')
    const heard = page.waitForResponse((r) => r.request().method() === 'GET' && new URL(r.url()).pathname === `/api/form/base.product/record/${made.id}`)
    await send(page, 'POST', `/api/form/base.product/record/${made.id}/void`, { reason: '重复登记' })
    await heard
    await dialog.getByRole('button', { name: '修改' }).click()
    await dialog.locator('.refusal').getByText('记录已作废').waitFor()
    must(!/void/.test(await page.locator('body').innerText()), 'a raw state on the page')
    must((await dialog.getByLabel('品名').inputValue()) === '正在改的名称', 'what was typed is gone')
  }],
  ['a conflict shows both versions', 'limin', null, async (page) => {
    const c = await openCase(page, 'quality')
    await page.route('**/finish_quality', (route) => route.fulfill({ status: 409, contentType: 'application/problem+json', json: { kind: 'conflict', status: 409, title: '有人先改了', current: { etag: '99', changes: [{ field: 'at_fault', label: { zh: '责任归属部门（拟）', en: '' }, old: { id: 'a', label: '质量管理部' }, new: { id: 'b', label: '制造二部' }, by: { name: '王建国' }, at: '2026-03-16T02:40:00.000Z' }] } } }))
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    await page.locator('#stage textarea').first().fill('炉次 H-0302')
    await page.getByRole('button', { name: '提交调查结论' }).first().click()
    const box = page.locator('.refusal.conflict')
    await box.waitFor()
    must(/王建国.*质量管理部 → 制造二部/.test(await box.innerText()), await box.innerText())
    await box.getByRole('button', { name: '用他的' }).click()
    await page.locator('#stage').getByText('制造二部').first().waitFor()
  }],
  ['off line: the words say so and the draft stays', 'limin', null, async (page, context) => {
    const c = await openCase(page, 'quality')
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    await page.locator('#stage textarea').first().fill('没有网络时写的')
    await context.setOffline(true)
    await page.getByRole('button', { name: '提交调查结论' }).first().click()
    await page.getByText('连接断了，草稿在本机').first().waitFor()
    await context.setOffline(false)
    await page.reload()
    must((await page.locator('#stage textarea').first().inputValue()) === '没有网络时写的', 'the draft is gone')
    await page.getByRole('button', { name: '不要草稿' }).click()
  }],
]
