// A partner from being found to being graded, in the construction company: his set of forms, the inspection, screening, admission, his tier and why he has it.
import { ask, base, first, must, noForbidden, noOverflow, phone, shot } from './browser.mjs'
import { certificates, creditCode, desks, file, found, steps, until } from './people.mjs'

export default [
  ['a partner is found, filed with his set, inspected, admitted and graded, and says why he has his tier', 'yezhou', null, async (page, context) => {
    const at = desks(context)
    const step = steps(at)
    await found(page, 'rzja', '润州建筑安装工程有限公司')
    await page.keyboard.press('Escape')

    const uscc = creditCode('91321111')
    const name = `丹阳幕墙工程${uscc.slice(12, 17)}`
    const customer = await file(page, 'base.customer', { name, kind: '联营工程合作方', uscc })
    must((await ask(page, `/api/form/base.customer/record/${customer}`)).values.salesperson?.label === '叶舟', 'the customer is not his who filed him')
    const given = (id) => `?${id === customer ? 'customer' : 'partner'}=${id}&${id === customer ? 'customer' : 'partner'}.label=${encodeURIComponent(name)}`
    const partner = await file(page, '01.partner', {}, given(customer))
    await certificates(page, given(customer), [['营业执照', uscc], ['资质证书', 'D2320991'], ['安全生产许可证', 'AQ-7721']])

    // the main part lies open; what is kept is gone on with, and its page says what is lacking
    await page.goto(`${base}/register/01.application/new${given(partner)}`)
    await page.locator('main .act-buttons').waitFor()
    for (const label of ['合作方', '法定代表人或负责人', '主营业务', '统一社会信用代码']) await page.locator('main .fill label').filter({ hasText: label }).first().waitFor()
    must((await page.locator('main details.fold').count()) === 0, 'the main part is folded away')
    await page.getByRole('button', { name: '先存着' }).click()
    await page.waitForURL(/record\/01\.application\//)
    const set = page.url().split('/').pop().split('?')[0]
    must((await ask(page, `/api/form/01.application/record/${set}`)).values.uscc === uscc, 'the code is not that of the customer')
    const stage = page.locator('#stage')
    await stage.getByText(/缺附表1.*缺附表2.*缺附表3/).waitFor()
    const of = `?application=${set}&application.label=${encodeURIComponent(name)}`
    await file(page, '01.company_sheet', { address: '丹阳市开发区', premises: '自有厂房' }, of)
    await file(page, '01.staff_sheet', { headcount: '46', engineers: '二级建造师三人' }, of)
    await file(page, '01.plant_sheet', { equipment: '吊篮二十台', worth: '860000' }, of)
    const look = await file(page, '01.inspection', { done_on: '2026-03-16', inspectors: '叶舟、邵杰', address: '具备', staff: '具备', plant: '具备', place: '丹阳', findings: '与附表一致' }, of)
    must((await ask(page, `/api/form/01.inspection/record/${look}`)).state === 'signed', 'the inspection is not signed')
    await step('yezhou', '01.application', set, 'submit', 'sent', { representative: '韦明', business: '幕墙' })

    await step('lujing', '01.application', set, 'receive', 'received')
    await step('lujing', '01.application', set, 'accept', 'cooperable', { screening: '资料真实，可合作' })
    await step('zhangmin', '01.application', set, 'approve', 'approved', { opinion: '同意入网' })
    const desk = await at('lujing')
    const after = (await ask(desk, '/api/form/01.follow_up/record?limit=5&sort=-at')).rows.find((r) => r.title === name)
    await step('lujing', '01.follow_up', after.id, 'register', 'open', { registered_on: '2026-03-16' })
    await until(desk, '01.partner', partner, (r) => r.state === 'admitted', 'he is not admitted')
    await file(desk, '01.partner_file', { area: '苏南', record: '近三年五项', conduct: '新合作' }, given(partner))
    const papers = (await ask(desk, '/api/form/base.licence/record?limit=10&sort=-at')).rows.filter((r) => r.title?.startsWith(name))
    must(papers.length === 3, 'his papers are not there: ' + papers.length)
    for (const p of papers) {
      await step('lujing', 'base.licence', p.id, 'verify', p.state)
      await until(desk, 'base.licence', p.id, (r) => r.values.verified_on === '2026-03-16', 'a paper is not verified')
    }

    // three of six parts of his file: eighty points, and eighty is tier B; another tier wants its reason
    const head = await at('zhangmin')
    await step('zhangmin', '01.partner', partner, 'grade', 'admitted', { new_tier: 'B级' })
    await until(head, '01.partner', partner, (r) => JSON.stringify(r.values.tier).includes('"b"'), 'he is not graded')
    await page.goto(`${base}/record/01.partner/${partner}`)
    await page.getByRole('button', { name: '级别：为什么' }).first().click()
    const why = page.getByRole('dialog', { name: '为什么' })
    await why.locator('ol.why li').filter({ hasText: '章敏' }).filter({ hasText: 'B级' }).first().waitFor()
    await noForbidden(page)
    await shot(page, 'partner-why')
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await page.locator('nav.bar').waitFor()
    await noOverflow(page)
    await shot(page, 'partner-phone')
  }],
  ['a head sees who is owed a visit and who is not, on the workbench and on the calendar', 'shaojie', null, async (page) => {
    const owed = page.locator('[data-task]').filter({ hasText: '01-3.1c' })
    await owed.filter({ hasText: '锡惠钢结构有限公司' }).first().waitFor()
    must((await owed.filter({ hasText: '润州建筑安装工程有限公司' }).count()) === 0, 'who was visited this month is told as owed')
    await page.getByRole('button', { name: /^半年以后的 \d+ 件$/ }).waitFor()
    await page.goto(base + '/calendar')
    await page.getByRole('link', { name: '按频次走访' }).first().waitFor()
    await noForbidden(page)
    await noOverflow(page)
    await shot(page, 'partner-calendar')
  }],
  ['a tier that the papers do not suffice for stays closed, and says so to who decides', 'zhangmin', null, async (page) => {
    const { id } = await first(page, '01.tier_change', "this.state == 'applied' && this.to_tier == 'b'")
    await page.goto(`${base}/record/01.tier_change/${id}`)
    await page.getByText('A级、B级的材料要齐全、有效、核验过').first().waitFor()
    must((await page.locator('.page-head .acts').getByRole('button', { name: '共同决策' }).count()) === 0, 'he may decide all the same')
  }],
]
