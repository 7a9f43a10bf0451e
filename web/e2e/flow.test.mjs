// The flow graph, from a record and from the rulebook; as a list on the phone.
import { ask, base, must, noForbidden, noOverflow, phone } from './browser.mjs'

const at = async (page, state) => (await ask(page, `/api/form/14.complaint/record?limit=1&sort=-number&filter=${encodeURIComponent(`this.state == '${state}'`)}`)).rows[0]

/** Boxes that lie upon each other cannot be read. */
const overlaps = (page) => page.evaluate(() => {
  const all = [...document.querySelectorAll('.flow.graph .flow-state, .flow.graph .flow-way')].map((e) => [e.innerText.replace(/\s+/g, ' '), e.getBoundingClientRect(), e.scrollHeight - e.clientHeight])
  const out = all.filter(([, , over]) => over > 2).map(([name, , over]) => `${name} overflows by ${over}`)
  for (const [i, [a, p]] of all.entries()) for (const [b, q] of all.slice(i + 1)) if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) out.push(`${a} on ${b}`)
  return out
})

export default [
  ['flow graph of a record: where it stands, the way it took, what is possible, a clause', 'hejing', null, async (page) => {
    const c = await at(page, 'decision') ?? await at(page, 'summary') ?? await at(page, 'review') // which of the late stages has one depends on the year
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    await page.getByRole('button', { name: '看流程图' }).click()
    const flow = page.getByRole('dialog').locator('.flow.graph')
    await flow.waitFor()
    const here = flow.locator('[aria-current=step]')
    must((await here.innerText()).includes('● ' + c.state_label.zh) && /现在在这里/.test(await here.innerText()), await here.innerText())
    const view = await page.locator('.flow-box').boundingBox()
    const box = await here.boundingBox()
    must(box.y >= view.y && box.y + box.height <= view.y + view.height + 1, 'where it stands is not in view')
    must((await flow.locator('path.taken').count()) >= 5, 'the way it took is not marked')
    must((await flow.locator('.flow-state.done').count()) >= 5, 'the stages it passed are not marked')
    must(!(await overlaps(page)).length, (await overlaps(page)).join('; '))
    const ends = page.getByRole('button', { name: /还有 \d+ 种结束没有画出/ })
    must((await flow.getByText('已作废').count()) === 0, 'an ending nobody came to is drawn')
    await ends.click()
    await page.getByRole('dialog').getByText('好几步都能办的').waitFor()
    await noForbidden(page)
    await flow.locator('.clause').first().click()
    await page.getByRole('dialog').getByText('系统替这一条做什么').waitFor()
  }],
  ['flow graph of a record of long ago in English, and as a list', 'hejing', null, async (page) => {
    await page.evaluate(() => localStorage.setItem('zg:language', 'en'))
    const c = await at(page, 'finished')
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    await page.getByRole('button', { name: 'See the flow graph' }).click()
    await page.locator('.flow.graph').waitFor()
    must(!(await overlaps(page)).length, (await overlaps(page)).join('; '))
    await page.getByRole('button', { name: 'List', exact: true }).click()
    await page.locator('.flow:not(.graph)').waitFor()
    must(/→ Quality/.test(await page.locator('.flow').innerText()), await page.locator('.flow').innerText())
  }],
  ['every form of the regulation has its graph, without a record', 'jianzhe', null, async (page) => {
    await page.goto(base + '/rulebook/14-complaint')
    const forms = (await ask(page, '/api/form')).filter((f) => f.book === '14-complaint' && f.flow)
    must(forms.length > 5, 'few forms')
    for (const f of forms) {
      await page.getByRole('button', { name: '看流程图' }).click()
      await page.getByRole('menuitem', { name: f.label.zh, exact: true }).click()
      await page.locator('.flow.graph .flow-state').first().waitFor()
      must(!(await overlaps(page)).length, `${f.label.zh}: ${(await overlaps(page)).join('; ')}`)
      must((await page.locator('.flow [aria-current]').count()) === 0, 'a form without a record stands somewhere')
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
    }
  }],
  ['flow graph on a phone is a list from above to below', 'hejing', phone, async (page) => {
    const c = await at(page, 'quality')
    await page.goto(`${base}/record/14.complaint/${c.id}`)
    await page.getByRole('button', { name: '看流程图' }).click()
    const flow = page.locator('.flow')
    await flow.waitFor()
    must(!(await page.locator('.flow.graph').count()), 'a graph on a phone')
    must(/质管调查[\s\S]*提交调查结论 [\s\S]*→ 制造分析/.test(await flow.innerText()), await flow.innerText())
    const wide = await page.evaluate(() => Math.max(...[...document.querySelectorAll('.ant-drawer-body *')].map((e) => e.getBoundingClientRect().right)))
    must(wide <= 391, 'wider than the phone: ' + wide)
    await noOverflow(page)
  }],
]
