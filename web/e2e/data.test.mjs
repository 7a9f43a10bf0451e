// Customer data in the trading company: a customer and his account, what the table of rights gives and does not give, an employee who leaves.
import { ask, base, first, must, noForbidden, noOverflow, phone, send, shot } from './browser.mjs'
import { creditCode, desks, file, fill, picture, steps, until } from './people.mjs'

const latest = async (page, form, title) => (await ask(page, `/api/form/${form}/record?limit=10&sort=-at`)).rows.filter((r) => r.title === title)

export default [
  ['a customer is filed, his account opened on a stamped paper, archived twice and told', 'lvwei', null, async (page, context) => {
    const at = desks(context)
    const step = steps(at)
    const uscc = creditCode('91320508')
    const name = `虎丘灯具商行${uscc.slice(12, 17)}`
    // who looks after customers files his own: he is named already; the day of the first contact is asked, since a limit runs from it
    const customer = await file(page, 'base.customer', { name, uscc, first_contact: '2026-03-16', standing: '潜在', sorts: '供应商', address: '苏州市山塘街9号' }, '', { 联系人: { 姓名: '蒋经理', 电话: '13913570246' } })
    must((await ask(page, `/api/form/base.customer/record/${customer}`)).values.salesperson?.label === '吕薇', 'the customer is not his who filed him')
    const [dossier] = await latest(page, '07.dossier', name)
    must(/^KH-2026-/.test(dossier?.number ?? ''), 'he has no file')

    const request = await file(page, '07.account_request', { kind: '开户', new_name: name, bank_no: '6228480400000012345', stamped: '是' }, `?customer=${customer}&customer.label=${encodeURIComponent(name)}`)
    await step('yanjin', '07.account_request', request, 'execute', 'executed', { paper: picture, paper_on: '2026-03-16', class_of: '一类' })
    const sales = await at('fangqing')
    await step('fangqing', '07.account_request', request, 'archive_sales', 'executed', { sales_place: '销售中心一柜' })
    await until(sales, '07.account_request', request, (r) => !!r.values.sales_on, 'sales has not archived it')
    await step('yanjin', '07.account_request', request, 'archive_finance', 'executed', { finance_place: '财务档案室' })
    await until(sales, '07.account_request', request, (r) => !!r.values.finance_on, 'finance has not archived it')
    await step('fangqing', '07.account_request', request, 'close', 'closed')
    must((await ask(page, `/api/form/07.dossier/record/${dossier.id}`)).values.account_name === name, 'the account is not in his file')
    must((await latest(page, '07.told', name)).length === 4, 'not four are told')
    await page.goto(`${base}/record/07.dossier/${dossier.id}`)
    await page.locator('h1').waitFor()
    await noForbidden(page)
    await noOverflow(page)
    await shot(page, 'data-dossier')
  }],
  ['what the table of rights does not give is not shown, with the clause that closes it, until the superior permits it', 'renjie', null, async (page, context) => {
    const at = desks(context)
    const customer = await first(page, 'base.customer', "this.code == 'MY104'")
    const [dossier] = (await ask(page, '/api/form/07.dossier/record?limit=50')).rows.filter((r) => r.title === customer.title)
    await page.goto(`${base}/record/07.dossier/${dossier.id}`)
    await page.getByText('*** 的是“客户基本信息”，你不能看').first().waitFor()
    must((await page.locator('main').innerText()).includes('***') && !(await page.locator('.page-head .acts').getByRole('button', { name: '修改', exact: true }).count()), 'he reads or edits what is not his')
    await page.locator('.closed-why .clause').first().click()
    await page.getByRole('dialog').getByText('查阅权限表决定谁看哪组资料').first().waitFor()
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await page.locator('nav.bar').waitFor()
    await noOverflow(page)
    await shot(page, 'data-closed-phone')
    await page.setViewportSize({ width: 1440, height: 900 })

    const reading = await file(page, '07.reading', { purpose: '同一集团的客户，合并报价' }, `?customer=${customer.id}&customer.label=${encodeURIComponent(customer.title)}`)
    await steps(at)('fengtao', '07.reading', reading, 'approve', 'approved')
    await page.goto(`${base}/record/07.dossier/${dossier.id}`)
    await page.locator('dt', { hasText: '企业性质' }).waitFor()
    await page.locator('dd', { hasText: '有限责任公司' }).first().waitFor()
    must((await page.getByText('*** 的是“客户基本信息”').count()) === 0, 'it stays closed')
  }],
  ['a head lets an employee leave in one act: the customers are to be told and handed over, and he takes nothing along', 'kangping', null, async (page, context) => {
    const him = await first(page, 'base.person', "this.account == 'xuelan'")
    await page.goto(`${base}/record/base.person/${him.id}`)
    await page.locator('.page-head .acts').getByRole('button', { name: '登记调离' }).click()
    const dialog = page.getByRole('dialog').last()
    await fill(page, dialog, 'act-give_notice', { leaving_on: '2026-03-31' }, {})
    await noForbidden(page)
    await dialog.locator('[data-do]').first().click()
    await until(page, 'base.person', him.id, (r) => r.values.leaves_on === '2026-03-31', 'his leaving is not registered')
    const his = (await ask(page, `/api/form/base.customer/record?limit=1&count=1&filter=${encodeURIComponent("this.salesperson.account == 'xuelan'")}`)).total
    const told = (await ask(page, '/api/form/07.customer_told/record?limit=50')).rows.filter((r) => r.state === 'open')
    must(told.length > 1 && (!his || told.length === his), `${told.length} of ${his} customers are to be told`)
    must((await latest(page, '07.handover', '薛岚')).length === 1 && (await latest(page, '07.taken_list', '薛岚')).length === 1, 'no handover or no list of what he took out')
    await page.goto(base)
    await page.locator('[data-task]').filter({ hasText: '07-7.4a' }).first().waitFor()
    await noForbidden(page)
    await shot(page, 'data-leaving')

    const desk = await desks(context)('xuelan')
    const [dossier] = (await ask(desk, '/api/form/07.dossier/record?limit=50')).rows.filter((r) => told.some((x) => x.title === r.title))
    const printed = await send(desk, 'POST', `/api/form/07.dossier/record/${dossier.id}/print`, {}).then(() => 'printed', String)
    must(/07-5a/.test(printed), 'who leaves prints all the same: ' + printed.slice(0, 300))
  }],
]
