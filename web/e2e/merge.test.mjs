import { ask, base, must, noForbidden, noOverflow, phone, send, shot } from './browser.mjs'

const make = async (page, values) => {
  const me = await ask(page, '/api/me')
  return (await send(page, 'POST', '/api/form/base.customer/record', { values: { salesperson: me.person.id, ...values } })).id
}

export default [
  ['two customers found alike are sorted out: one pair is said to be two, of the other the values are chosen and one goes', 'chenli', null, async (page) => {
    const goes = await make(page, { name: '溪口砚山机电有限公司', code: 'XK-0417' })
    const stays = await make(page, { name: '溪口砚山机电', short_name: '砚山' })
    const other = await make(page, { name: '溪口研山机电公司' })
    const visit = await send(page, 'POST', '/api/form/base.visit/record', { values: { customer: goes, visited_on: '2026-03-02' } })
    await page.goto(base + '/register/base.customer/alike')
    const pairs = page.locator('.alike-pairs > li')
    await pairs.filter({ hasText: '溪口研山' }).first().waitFor()
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'pairs')
    const wrong = pairs.filter({ hasText: '溪口研山' })
    const n = await wrong.count()
    await wrong.first().getByRole('button', { name: /不是同一家$/ }).click()
    await page.waitForFunction((k) => [...document.querySelectorAll('.alike-pairs > li')].filter((x) => x.textContent.includes('溪口研山')).length === k, n - 1)
    await pairs.filter({ hasText: '溪口砚山机电有限公司' }).filter({ hasNotText: '溪口研山' }).getByRole('button', { name: /^合并/ }).click()
    await page.getByRole('heading', { name: '合并两份记录' }).waitFor()
    await page.getByRole('group', { name: '留下哪一份' }).getByRole('radio', { name: /溪口砚山机电(?!有限)/ }).check()
    await page.getByRole('group', { name: '客户代码' }).getByRole('radio', { name: 'XK-0417', checked: true }).waitFor() // the other has none
    await page.getByRole('group', { name: '客户名称' }).getByRole('radio', { name: '溪口砚山机电有限公司' }).check()
    const go = page.getByRole('button', { name: /^把“.*有限公司”并入/ })
    must(await go.isDisabled(), 'it can be done without a reason')
    await page.getByLabel('为什么合并').fill('营业执照是同一张')
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'merge-desktop')
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await page.locator('nav.bar').waitFor()
    await noOverflow(page)
    await shot(page, 'merge-phone')
    await go.click()
    await page.waitForURL(new RegExp(`/record/base.customer/${stays}$`))
    await page.getByRole('heading', { name: /溪口砚山机电有限公司/ }).waitFor()
    const there = await ask(page, `/api/form/base.visit/record/${visit.id}`)
    must(there.values.customer.id === stays, 'the visit names the one that is gone')
    await page.goto(base + `/record/base.customer/${goes}`)
    await page.getByRole('link', { name: '打开留下的那一份' }).waitFor()
    await noOverflow(page)
    await shot(page, 'merge-gone')
    must(other !== stays, 'the third stands by itself')
  }],
]
