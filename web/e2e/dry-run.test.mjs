// What would last year have been with another value? Asked where the value stands, answered in numbers with the records behind them.
import { base, must, noForbidden, noOverflow, phone } from './browser.mjs'

const numbers = (s) => s.match(/\d[\d,.]*/g)?.map((n) => Number(n.replace(/,/g, ''))) ?? []

async function tryDays(page, n) {
  await page.goto(base + '/settings/14-complaint')
  await page.getByRole('button', { name: '国内结案期限', exact: true }).click()
  await page.getByRole('button', { name: '提出改动' }).click()
  const value = page.getByRole('dialog').locator('#param-value')
  await value.fill(String(n))
  await page.getByRole('button', { name: /^若改为/ }).click()
  return page.getByRole('region', { name: '空跑的结果' })
}

export default [
  ['dry run of a limit: how many more would be overdue, who held them, which; nothing is kept', 'hejing', null, async (page) => {
    const answer = await tryDays(page, 10)
    await answer.waitFor()
    const said = await answer.innerText()
    must(/结案期限/.test(said) && /件里 \d+ 件逾期（现在 \d+ 件）/.test(said) && /持有 \d+ 件/.test(said), 'the answer does not say the numbers: ' + said)
    must(/各站合计超过结案期限/.test(said), 'that the value does not fit the stages is not said')
    const [count, late, now] = numbers(/([\d,]+) 件里 ([\d,]+) 件逾期（现在 ([\d,]+) 件）/.exec(said)[0])
    const added = Number(/多出 (\d+) 件/.exec(said)[1])
    must(count > 100 && late === now + added && added > 8, `the numbers do not add up: ${count} ${late} ${now} ${added}`)
    await page.getByRole('button', { name: /^全部 \d+ 件/ }).click()
    must((await answer.locator('.dry-rows li').count()) === added, 'the list is not those that are more')
    await noOverflow(page)
    await noForbidden(page)
    if (process.env.ZHANGGUI_SHOTS) await page.screenshot({ path: process.env.ZHANGGUI_SHOTS + '/dry-run-desktop.png' })
    await page.getByRole('dialog').locator('#param-value').fill('12')
    must((await answer.count()) === 0, 'an answer to another value is still shown')
    await answer.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: '取消' }).click()
    must(/15/.test(await page.getByRole('dialog').locator('.amount').innerText()), 'the value was changed')
    await answer.waitFor({ state: 'detached' })
  }],
  ['dry run of an authority by the general manager: who would sign instead', 'heyuan', phone, async (page) => {
    await page.goto(base + '/settings/14-complaint')
    await page.getByRole('button', { name: '业务部经理核决上限', exact: true }).click()
    await page.getByRole('button', { name: '提出改动' }).click()
    await page.getByRole('dialog').locator('#param-value').fill('5000')
    await page.getByRole('button', { name: /^若改为/ }).click()
    const answer = page.getByRole('region', { name: '空跑的结果' })
    await answer.getByText(/业务部经理 → 副总经理：\d+ 件/).waitFor()
    await answer.scrollIntoViewIfNeeded()
    await noOverflow(page)
    await noForbidden(page)
  }],
  ['dry run by an auditor, who may try but not change', 'jianzhe', null, async (page) => {
    await page.goto(base + '/settings/14-complaint')
    await page.getByRole('button', { name: '个人扣款比率', exact: true }).click()
    await page.getByRole('button', { name: '空跑：换个值看过去一年' }).click()
    must((await page.getByRole('button', { name: '定下新值' }).count()) === 0, 'an auditor is offered to change a value')
    await page.getByRole('dialog').locator('#param-value').fill('20')
    await page.getByRole('button', { name: /^若改为/ }).click()
    await page.getByText('客诉损失个人扣款').waitFor()
  }],
  ['dry run is not offered to a clerk', 'chenli', null, async (page) => {
    await page.goto(base + '/settings/14-complaint')
    await page.getByRole('button', { name: '国内结案期限', exact: true }).click()
    await page.getByRole('dialog').locator('.amount').waitFor()
    must((await page.getByRole('button', { name: /空跑|提出改动/ }).count()) === 0, 'a clerk is offered to try or change a value')
  }],
]
