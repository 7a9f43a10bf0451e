// The ledger of penalties and rewards: what a person sees of his own, how he appeals, what is decided, and the month for payroll.
import { ask, base, must, noForbidden, noOverflow, phone, send, signIn } from './browser.mjs'

const shot = (page, name) => process.env.ZHANGGUI_SHOTS && page.screenshot({ path: `${process.env.ZHANGGUI_SHOTS}/${name}.png`, fullPage: true })
const register = '/api/form/base.sanction/record'

/** Somebody else at a browser of his own. */
async function other(context, account, size = { width: 1440, height: 900 }) {
  const page = await (await context.browser().newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', hasTouch: size.width < 768 })).newPage()
  page.setDefaultTimeout(15_000)
  await page.goto(base)
  await signIn(page, account)
  return page
}

const accounts = async (page) => Object.fromEntries((await ask(page, '/api/form/base.person/record?limit=200&fields=account')).rows.map((r) => [r.id, r.values.account]))

export default [
  ['penalty: states first, own rows only, appeal, decision, contra entry, statement', 'hejing', null, async (page, context) => {
    const { rows } = await ask(page, `${register}?limit=200&fields=person,fine,confirmers`)
    const of = await accounts(page)
    const found = rows.find((r) => r.state === 'confirmed' && of[r.values.person?.id] && r.values.fine) ?? rows.find((r) => r.state === 'proposed' && of[r.values.person?.id] && r.values.fine)
    must(found, 'the demonstration has no penalty to look at')
    const judge = await other(context, of[(found.values.confirmers ?? [])[0].id])
    if (found.state === 'proposed') await send(judge, 'POST', `${register}/${found.id}/confirm`, { values: {} })

    const one = await other(context, of[found.values.person.id])
    await one.goto(base + '/ledger')
    await one.locator('.penal tbody tr').first().waitFor()
    const seen = await ask(one, `${register}?limit=200&fields=person`)
    must(seen.rows.length > 0, 'he does not see his own')
    const words = await one.locator('.penal tbody tr td:first-child').allInnerTexts()
    must(words.every((x) => /^(拟|已确认|申诉中|已撤销|已执行|不予处罚)$/.test(x.trim())), 'a row does not begin with its state: ' + words.join(' '))
    await noForbidden(one)
    await shot(one, 'penalty-own')
    await one.goto(`${base}/record/base.sanction/${found.id}?act=appeal`)
    await one.getByLabel(/申诉理由/).first().fill('当日在外地出差，有车票')
    await one.getByRole('button', { name: '申诉', exact: true }).last().click()
    await one.getByText('申诉中').first().waitFor()

    await send(judge, 'POST', `${register}/${found.id}/grant_appeal`, { values: { ruling: '车票属实' } })
    const after = (await ask(page, '/api/ledger/payroll')).rows // the administrator sees all
    must(after.some((r) => r.record === found.id && r.kind === 'reverse') && after.some((r) => r.record === found.id && r.kind === 'deduct'), 'the two entries are not both there')
    await one.goto(base + '/ledger')
    await one.locator('.penal tr.is-withdrawn').first().waitFor()

    await judge.goto(base + '/ledger')
    await judge.getByRole('heading', { name: '月结' }).waitFor()
    await judge.getByText(/只计已确认的；拟定和已撤销的不计/).waitFor()
    const [file] = await Promise.all([judge.waitForEvent('download'), judge.getByRole('button', { name: '导出 Excel' }).click()])
    must(/月结.*\.xlsx/.test(file.suggestedFilename()), 'the file is called ' + file.suggestedFilename())
    const said = (await ask(page, '/api/journal?action=statement')).rows
    must(said.length > 0, 'nothing in the journal of the statement taken along')
    await shot(judge, 'penalty-statement')
  }],
  ['penalty: the ledger on a phone', 'hejing', phone, async (page) => {
    await page.goto(base + '/ledger')
    await page.locator('.penal tbody tr').first().waitFor()
    await page.getByRole('heading', { name: '月结' }).waitFor()
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'penalty-phone')
  }],
]
