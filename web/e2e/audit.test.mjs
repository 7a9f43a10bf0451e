// Can I trust this list? Asked by an auditor: seal, witnesses, result, one entry down to its proof, and all of it to take home.
import { base, must, noForbidden, noOverflow, phone } from './browser.mjs'

const shot = async (page, name) => { if (process.env.ZHANGGUI_SHOTS) await page.screenshot({ path: `${process.env.ZHANGGUI_SHOTS}/${name}.png`, fullPage: true }) }

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
  ['audit on the phone', 'jianzhe', phone, async (page) => {
    await page.goto(base + '/audit')
    await page.getByText(/已封 [\d,]+ 条/).waitFor()
    await noOverflow(page)
    await shot(page, 'audit-phone')
  }],
]
