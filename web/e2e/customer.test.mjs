// A customer from being found to being graded, in the marketing company: whom one looks for, files, hands over for admission and grades, and what is refused.
import { ask, base, first, must, noForbidden, noOverflow, phone, shot } from './browser.mjs'
import { certificates, creditCode, desks, file, fill, found, picture, steps } from './people.mjs'

/** The head raises a grade in the dialog. */
async function raise(page, id, grade, why) {
  await page.goto(`${base}/record/11.account/${id}`)
  await page.locator('.page-head .acts').getByRole('button', { name: '升级', exact: true }).click()
  const dialog = page.getByRole('dialog').last()
  await fill(page, dialog, 'act-raise', { new_grade: grade, grade_reason: why }, {})
  await dialog.locator('[data-do]').first().click()
  return dialog
}

export default [
  ['a customer is found, filed, admitted and graded, and says why he has his grade', 'shenyi', null, async (page, context) => {
    const at = desks(context)
    const step = steps(at)

    // looked for first: who is there is found by a piece of his name, and named while a likely one is typed
    await found(page, 'sjdx', '申江大学附属康复医院')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: /申江大学附属康复医院/ }).waitFor()
    await page.goto(base + '/register/base.customer/new')
    await page.getByLabel('客户名称').fill('申江大学附属康复医院')
    await page.getByRole('status').filter({ hasText: '像是已有' }).getByRole('link', { name: '申江大学附属康复医院' }).waitFor()
    await page.getByLabel('客户名称').fill('')

    const uscc = creditCode('12310117')
    const name = `东篱康复医院${uscc.slice(12, 17)}`
    const customer = await file(page, 'base.customer', { name, salesperson: '沈毅', first_contact: '2026-03-16', uscc, trade: '医疗机构', hospital_level: '三级乙等', beds: '320' })
    await certificates(page, `?customer=${customer}&customer.label=${name}`, [['营业执照', 'YZ-8812'], ['医疗机构执业许可证', 'ZY-3317'], ['诊疗科目（骨科/康复）', 'KM-0921']])

    // what is given in the evaluation nobody is asked for here, and a salesman is not offered what the head decides
    await page.goto(`${base}/register/11.account/new?customer=${customer}`)
    await page.locator('main .act-buttons').waitFor()
    must((await page.locator('main summary', { hasText: '评级' }).count()) === 0, 'the ratings are asked when the account is opened')
    must((await page.getByRole('button', { name: '准入审批' }).count()) === 0, 'a salesman is offered the admission')
    const account = await file(page, '11.account', {
      reputation: '良好', reputation_source: '国家企业信用信息公示系统', reputation_on: '2026-03-15', offences: '无', offences_source: '裁判文书网', offences_on: '2026-03-15', offences_shot: picture,
      pledge: picture, pledge_on: '2026-03-15', will: '有', will_source: '拜访纪要', yearly_demand: '900000',
    }, `?customer=${customer}&customer.label=${name}`)
    await step('qinlan', '11.account', account, 'admit', 'admitted')
    await file(page, '11.evaluation', { volume_score: '80', receivable_score: '80', credit_score: '80', loyalty_score: '80', rate_business: '4', rate_credit: '4', rate_stability: '4', rate_loyalty: '4', rate_fame: '4', rate_condition: '4', rate_strength: '4', rate_honesty: '4', risk: '低' }, `?account=${account}&account.label=${name}`)
    const head = await at('qinlan')
    await (await raise(head, account, '优选类客户', '三级乙等，评分八十')).waitFor({ state: 'hidden' })
    must(/preferred/.test(JSON.stringify((await ask(head, `/api/form/11.account/record/${account}`)).values.grade)), 'he is not preferred')

    // his page says why
    await page.goto(`${base}/record/base.customer/${customer}`)
    await page.getByRole('button', { name: '等级：为什么' }).first().click()
    const why = page.getByRole('dialog', { name: '为什么' })
    await why.locator('ol.why li').filter({ hasText: '秦岚' }).filter({ hasText: '优选类客户' }).first().waitFor()
    await noForbidden(page)
    await shot(page, 'customer-why')
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await page.locator('nav.bar').waitFor()
    await noOverflow(page)
    await shot(page, 'customer-phone')
  }],
  ['a VIP beyond the share and business with a blacklisted customer are refused in words, with the clause', 'qinlan', null, async (page) => {
    const dialog = await raise(page, (await first(page, '11.account', "this.customer.code == 'KF104'")).id, 'VIP客户', '评审九十分')
    const no = dialog.locator('.refusal')
    await no.waitFor()
    must(/部门VIP名额/.test(await no.innerText()) && /11-2\.2d1/.test(await no.innerText()), 'the refusal does not name the quota: ' + (await no.innerText()))
    await noForbidden(page)
    await shot(page, 'customer-quota')

    const listed = await first(page, 'base.customer', "this.code == 'KF210'")
    await page.goto(`${base}/register/base.visit/new?customer=${listed.id}&customer.label=${encodeURIComponent(listed.title)}`)
    await page.locator('main .act-buttons').waitFor()
    await fill(page, page.locator('main'), 'new', { needs: '无', changes: '无', opinion: '无' }, {})
    await page.locator('main .act-buttons .ant-btn-primary').click()
    const refused = page.locator('.refusal').first()
    await refused.waitFor()
    must(/公司黑名单/.test(await refused.innerText()) && /11-3\.5b2/.test(await refused.innerText()), 'the refusal does not name the blacklist: ' + (await refused.innerText()))
    await noOverflow(page)
    await shot(page, 'customer-listed')
  }],
  ['the workbench of the marketing company names what is owed: a file to open, a customer to visit', 'shenyi', null, async (page, context) => {
    const filed = page.locator('[data-task]').filter({ hasText: '宁沪康健' }).filter({ hasText: '12-1a' })
    await filed.waitFor()
    must(/建立客户档案/.test(await filed.innerText()) && !/停止往来/.test(await filed.innerText()), 'the task says ' + (await filed.innerText()))
    const head = await desks(context)('qinlan')
    const visit = head.locator('[data-task]').filter({ hasText: '11-4.2f1' }).first()
    await visit.waitFor()
    must(/拜访客户/.test(await visit.innerText()) && !/确认信息无误/.test(await visit.innerText()), 'the task says ' + (await visit.innerText()))
  }],

  ['what is typed while a file is on its way stays, and nothing is filed before the file is there', 'shenyi', null, async (page) => {
    let open
    const gate = new Promise((done) => (open = done))
    await page.route('**/api/file', async (route) => { await gate; await route.continue() })
    await page.goto(`${base}/register/base.licence/new`)
    await page.locator('main .act-buttons').waitFor()
    await page.locator('.item').filter({ has: page.locator('[id="new-scan"]') }).locator('input[type=file]').setInputFiles(picture)
    await page.getByText('正在上传', { exact: false }).first().waitFor()
    await page.locator('[id="new-licence_no"]').fill('YZ-9001')
    must(await page.locator('main .act-buttons .ant-btn-primary').isDisabled(), 'a record can be filed while its file is on its way')
    open()
    await page.locator('.file', { hasText: picture.name }).waitFor()
    must((await page.locator('[id="new-licence_no"]').inputValue()) === 'YZ-9001', 'what was typed meanwhile is gone')
    must(await page.locator('main .act-buttons .ant-btn-primary').isEnabled(), 'the file is there, and nothing can be filed')
    await page.unroute('**/api/file')
  }],
  ['a file that arrives after a row was removed before its own lands in its own row', 'shenyi', null, async (page) => {
    let open
    const gate = new Promise((done) => (open = done))
    await page.route('**/api/file', async (route) => { await gate; await route.continue() })
    await page.route('**/api/form/base.licence', async (route) => { // no shipped rulebook asks for a file in a table
      const form = await (await route.fetch()).json()
      const pages = { id: 'pages', label: { zh: '附页', en: 'Pages' }, fields: [{ id: 'what', type: 'text', label: { zh: '页名', en: 'Page' } }, { id: 'copy', type: 'file', label: { zh: '页扫描', en: 'Scan' } }] }
      await route.fulfill({ json: { ...form, lines: [pages], new: { ...form.new, asks: [...form.new.asks, { field: 'pages', required: false }] } } })
    })
    await page.goto(`${base}/register/base.licence/new`)
    const rows = page.locator('fieldset.lines .line')
    for (const name of ['甲', '乙', '丙']) {
      await page.getByRole('button', { name: /加一行/ }).click()
      await rows.last().locator('input:not([type=file])').fill(name)
    }
    await rows.nth(1).locator('input[type=file]').setInputFiles(picture)
    await page.getByText('正在上传', { exact: false }).first().waitFor()
    await page.getByRole('button', { name: '去掉第 1 行' }).click()
    open()
    await page.locator('.file', { hasText: picture.name }).waitFor()
    for (const [i, name] of ['乙', '丙'].entries()) {
      must((await rows.nth(i).locator('input:not([type=file])').inputValue()) === name, `row ${i + 1} is no longer ${name}`)
      must((await rows.nth(i).locator('.file').count()) === (name === '乙' ? 1 : 0), `the file of 乙 lies in the wrong row: ${await rows.nth(i).innerText()}`)
    }
    await page.unroute('**/api/file')
  }],
  ['a file that is removed while another is on its way stays away, and one that is added meanwhile stays', 'shenyi', null, async (page) => {
    const gates = []
    await page.route('**/api/file', async (route) => { await new Promise((done) => gates.push(done)); await route.continue() })
    const arrived = async (n) => { for (let i = 0; i < 100 && gates.length <= n; i++) await page.waitForTimeout(50); gates[n]() }
    await page.goto(`${base}/register/11.dept_entry/new`)
    const field = page.locator('.item').filter({ has: page.locator('[id="new-evidence"]') })
    const named = (name) => ({ ...picture, name })
    const there = (name) => field.locator('.file', { hasText: name })
    const put = async (...names) => field.locator('input[type=file]').setInputFiles(names.map(named))
    await field.waitFor()
    await put('one.png')
    await arrived(0)
    await there('one.png').waitFor()
    await put('two.png')
    await page.getByText('正在上传', { exact: false }).first().waitFor()
    await put('three.png')
    await there('one.png').getByRole('button').click()
    await arrived(2) // the later one first
    await there('three.png').waitFor()
    await arrived(1)
    await there('two.png').waitFor()
    must((await field.locator('.file').count()) === 2 && (await there('three.png').count()) === 1, 'the files are ' + (await field.innerText()))
    must(!(await field.innerText()).includes('正在上传'), 'something is still said to be on its way')
    await page.unroute('**/api/file')
  }],
]
