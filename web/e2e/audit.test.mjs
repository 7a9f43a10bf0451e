// Can I trust this list? Asked by an auditor: seal, witnesses, result, one entry down to its proof, and all of it to take home.
import { readFileSync } from 'node:fs'
import { base, must, noForbidden, noOverflow, phone } from './browser.mjs'

const shot = async (page, name) => { if (process.env.ZHANGGUI_SHOTS) await page.screenshot({ path: `${process.env.ZHANGGUI_SHOTS}/${name}.png`, fullPage: true }) }

/** A record of another company than the demonstration's first, by the journal: the administrator reads its entries and does not see it. */
const elsewhere = (page) => page.evaluate(async () => {
  for (let cursor = ''; ;) {
    const j = await (await fetch('/api/journal?limit=100&cursor=' + encodeURIComponent(cursor))).json()
    const e = j.rows.find((x) => x.form === '02.complaint' && x.number && !x.refused)
    if (e || !j.next) return e
    cursor = j.next
  }
})

const entry = async (page, { record, number }, take) => {
  await page.goto(`${base}/audit?record=${record}`)
  await page.locator('table.list tbody tr').filter({ hasText: number, hasNotText: /挡下|Refused/ }).getByRole('button').first().click()
  const button = page.getByRole('dialog').getByRole('button', { name: take })
  await button.waitFor()
  return button
}

export default [
  ['audit: verified now, how far it is sealed and witnessed, an entry in words, facts and raw with its proof', 'jianzhe', null, async (page) => {
    await page.goto(base + '/audit')
    await page.getByRole('button', { name: /现\s*在\s*校\s*验/ }).click()
    await page.getByText(/校验了 [\d,]+ 条，日志和每份记录全部一致/).waitFor({ timeout: 120000 })
    await page.getByText(/还没有(见证人|人在外面见证)/).waitFor()
    await page.getByText(/已封 [\d,]+ 条，封到/).waitFor()
    await shot(page, 'audit-desktop')
    await noForbidden(page)
    await page.locator('table.list tbody tr').nth(3).click()
    const side = page.getByRole('dialog')
    await side.getByText('原文', { exact: true }).click()
    must(/"turn"/.test(await side.innerText()), 'the raw entry does not say its turn')
    const proof = side.getByText('在日志里的证明')
    if (await proof.count()) {
      await proof.click()
      await side.locator('ol.mono li').first().waitFor()
    }
    await shot(page, 'audit-entry')
    const [download] = await Promise.all([page.waitForEvent('download'), page.evaluate(() => document.querySelector('a[href="/api/log/packet"]').click())])
    must(/zip$/.test(download.suggestedFilename()), 'the packet is no zip file')
  }],
  ['audit: one record with its proofs is a zip file, named after it, which says how it is verified', 'jianzhe', null, async (page) => {
    const e = await elsewhere(page)
    const button = await entry(page, e, /取出这份记录和证据/)
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()])
    must(download.suggestedFilename() === `packet-${e.number}.zip`, 'the packet is called ' + download.suggestedFilename())
    const file = readFileSync(await download.path())
    must(file.subarray(0, 2).toString() === 'PK' && ['entries.jsonl', 'checkpoint.txt', 'data.json'].every((x) => file.includes(x)), 'it is no packet')
    await page.getByText(`zhanggui verify-packet packet-${e.number}.zip`).waitFor()
    await shot(page, 'audit-packet')
    await noForbidden(page)
  }],
  ['audit: a record that he does not see is refused in words, on the phone and in both languages', 'hejing', phone, async (page) => {
    const e = await elsewhere(page)
    await (await entry(page, e, /取出这份记录和证据/)).click()
    await page.getByRole('alert').getByText('这份记录不在你能看的范围里').waitFor()
    await shot(page, 'audit-packet-refused')
    await noForbidden(page)
    await noOverflow(page)
    await page.evaluate(() => localStorage.setItem('zg:language', 'en'))
    await (await entry(page, e, 'Take this record with its proofs')).click()
    await page.getByRole('alert').getByText('You may not see this record').waitFor()
    await shot(page, 'audit-packet-refused-en')
  }],
  ['audit on the phone', 'jianzhe', phone, async (page) => {
    await page.goto(base + '/audit')
    await page.getByText(/已封 [\d,]+ 条/).waitFor()
    await noOverflow(page)
    await shot(page, 'audit-phone')
  }],
]
