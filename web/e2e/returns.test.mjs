// A return as sales, storage and accounting have it: four copies and where each went, on the page; and the recovery rate
// that leaves out what a complaint holds back.
import { ask, base, first, must, noForbidden, noOverflow, shot, text } from './browser.mjs'

const COPIES = [['第一联', '业务部自存督促', '周婷'], ['第二联', '成品仓储存', '方仓'], ['第三联', '会计科存', '周会计'], ['第四联', '业务部存', '周婷']]

const posted = async (page) => {
  const slip = await first(page, '14.return_slip', "this.state == 'booked'")
  must(slip, 'the demonstration has no return that was posted')
  return slip
}

const copies = async (page) => {
  const slip = await posted(page)
  await page.goto(base + '/record/14.return_slip/' + slip.id)
  await page.getByRole('heading', { name: '联', exact: true }).waitFor()
  const said = await text(page)
  for (const [mark, why, who] of COPIES) must(said.includes(mark) && said.includes(why) && said.includes(who), `the page does not say who has ${mark}`)
  must(/核定量与实退量核对/.test(said) && /处理表第四联（核定）/.test(said) && /退货单第三联（实退）/.test(said), 'approved and received do not stand side by side')
  await noOverflow(page)
  await noForbidden(page)
  await shot(page, 'returns-slip')
}

export default [
  ['returns: the slip says who has which of its four copies, approved beside received', 'zhoukuaiji', null, copies],
  ['returns: the recovery rate shows what a complaint holds back, and which receivables', 'zhoukuaiji', null, async (page) => {
    const list = (await ask(page, '/api/form/14.recovery/record?limit=12')).rows
    let sheet = null
    for (const r of list) {
      const v = await ask(page, '/api/form/14.recovery/record/' + r.id)
      const row = v.lines.rows.find((x) => Number(x.values.held) > 0)
      if (row) sheet = { id: r.id, row: row.values }
    }
    must(sheet, 'no sheet leaves anything out')
    const { collected, base: due, held, held_items, rate } = sheet.row
    const want = (Number(collected) / (Number(due) - Number(held))) * 100
    must(Math.abs(Number(rate) - want) < 0.006, `the rate is ${rate}, not ${want}`)
    await page.goto(base + '/record/14.recovery/' + sheet.id)
    await page.getByText('客诉料号应收').first().waitFor()
    const said = await text(page)
    must(said.includes(Number(held).toLocaleString('zh-CN', { minimumFractionDigits: 2 })) && said.includes(held_items[0].label), 'what is left out is not shown')
    await noForbidden(page)
    await shot(page, 'returns-recovery')
  }],
]
