// What does the other regulation say otherwise? Read from a regulation, clause by clause, on the desk and on the phone.
import { base, must, noForbidden, noOverflow, phone } from './browser.mjs'

const shot = (page, name) => process.env.ZHANGGUI_SHOTS && page.screenshot({ path: `${process.env.ZHANGGUI_SHOTS}/${name}.png` })

export default [
  ['two regulations side by side: what is changed, absent and new, and the way back to each clause', 'hejing', null, async (page) => {
    await page.goto(base + '/rulebook/14-complaint')
    await page.getByRole('link', { name: '对照' }).click()
    await page.getByRole('combobox', { name: '与哪部制度对照' }).waitFor()
    await page.goto(base + '/rulebook/14-complaint/diff/02-complaint')
    const rows = page.locator('.diff-row')
    await rows.first().waitFor()
    const limit = rows.filter({ hasText: '14-10.1a' })
    must(/15 天 → 21 天/.test(await limit.innerText()) && /02-10\.1/.test(await limit.innerText()), 'the limit of the case is not said: ' + (await limit.innerText()))
    must(/客户抱怨处理表 → 客户意见处理表/.test(await page.locator('.diff-names').innerText()), 'what is called otherwise is not said')
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'diff-desktop')
    await page.getByRole('button', { name: /^没有 \d+/ }).click()
    must((await rows.count()) === 4 && (await rows.allInnerTexts()).every((x) => /没有这一条/.test(x)), 'absent clauses are not listed by themselves')
    await page.getByRole('button', { name: /^新增 \d+/ }).click()
    await rows.filter({ hasText: '02-9.2a' }).getByRole('link', { name: /02-9\.2a/ }).click()
    await page.locator('[data-clause="02-9.2a"].on').waitFor()
  }],
  ['two regulations side by side, turned round', 'hejing', null, async (page) => {
    await page.goto(base + '/rulebook/14-complaint/diff/03-complaint')
    await page.getByRole('link', { name: '左右互换' }).click()
    await page.locator('.diff-row[data-status=absent]').filter({ hasText: '03-14c' }).waitFor()
    await page.goto(base + '/rulebook/14-complaint/diff/base')
    await page.getByText('两部制度没有共同的条文').waitFor()
  }],
  ['two regulations side by side, on a phone', 'chenli', phone, async (page) => {
    await page.goto(base + '/rulebook/14-complaint/diff/02-complaint')
    await page.locator('.diff-row').first().waitFor()
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'diff-phone')
  }],
]
