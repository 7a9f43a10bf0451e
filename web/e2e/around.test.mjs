import { ask, base, must, noForbidden, noOverflow, phone, shot } from './browser.mjs'

/** The customer with most complaints. */
const busiest = async (page) => {
  const rows = await ask(page, '/api/stat?form=14.complaint&by=customer')
  return (rows.rows ?? rows)[0].key
}

export default [
  ['a customer on one page: what is next, dealings by time, each form in a tab, filing for him', 'chenli', null, async (page) => {
    await page.goto(base + '/record/base.customer/' + (await busiest(page)))
    await page.getByRole('heading', { name: '接下来' }).waitFor()
    await page.locator('.around .history > li').first().waitFor()
    const before = await page.locator('.around .history > li').count()
    await page.getByRole('button', { name: '看更早的' }).click()
    await page.waitForFunction((n) => document.querySelectorAll('.around .history > li').length > n, before)
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'around-desktop')
    const tab = page.getByRole('tab', { name: /^客户抱怨处理表/ })
    const total = Number((await tab.innerText()).replace(/\D/g, ''))
    await tab.click()
    await page.locator('.around tbody tr').first().waitFor()
    must((await page.locator('.around tbody tr').count()) === Math.min(total, 20), 'the tab shows other rows than it counts')
    await shot(page, 'around-tab')
    await page.getByRole('button', { name: '为它办…' }).click()
    await page.getByRole('menuitem', { name: '拜访' }).click()
    await page.waitForURL(/register\/base.visit\/new\?customer=/)
    await page.goBack()
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await page.locator('nav.bar').waitFor()
    await page.locator('.around tbody tr').first().waitFor()
    await noOverflow(page)
    await page.getByRole('tab', { name: '往来' }).click()
    await page.locator('.around .history > li').first().waitFor()
    await noOverflow(page)
    await shot(page, 'around-phone')
  }],
  ['why a customer has his grade: who set it and when, in a drawer that closes where it was opened', 'chenli', null, async (page) => {
    const [graded] = (await ask(page, `/api/form/base.customer/record?limit=1&filter=${encodeURIComponent("this.grade == 'a'")}`)).rows
    await page.goto(base + '/record/base.customer/' + graded.id)
    const why = page.getByRole('button', { name: '等级：为什么' }).first()
    await why.click()
    const drawer = page.getByRole('dialog', { name: '为什么' })
    await drawer.locator('ol.why li').filter({ hasText: 'A 级' }).first().waitFor()
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'around-why')
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await page.locator('nav.bar').waitFor()
    await why.click()
    await drawer.locator('ol.why li').filter({ hasText: 'A 级' }).first().waitFor()
    await noOverflow(page)
    await shot(page, 'around-why-phone')
  }],
  ['a customer who is there already is named while his name is typed', 'chenli', null, async (page) => {
    const [there] = (await ask(page, '/api/form/base.customer/record?limit=1&sort=name')).rows
    await page.goto(base + '/register/base.customer/new')
    await page.getByLabel('客户名称').fill(there.title + '有限公司')
    const notice = page.getByRole('status').filter({ hasText: '像是已有' })
    await notice.getByRole('link', { name: there.title }).waitFor()
    must(/客户名称相近/.test(await notice.innerText()), await notice.innerText())
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'alike')
  }],
]
