// A register too long to leave at once: it goes on by itself, says how far it is, can be stopped, and is fetched when it is ready.
import { readFileSync } from 'node:fs'
import { base, must, noForbidden, noOverflow, phone, shot } from './browser.mjs'

export default [
  ['a long export goes on in the background, can be left, is fetched or stopped', 'limin', null, async (page) => {
    // the demonstration's registers are short: let the page believe that this one is long
    await page.route('**/api/form/14.complaint/record?*', async (route) => {
      const answer = await route.fetch()
      const body = await answer.json()
      await route.fulfill({ response: answer, json: { ...body, total: 9000 } })
    })
    await page.goto(base + '/register/14.complaint')
    await page.getByText('9000').first().waitFor()
    await page.getByRole('button', { name: '导出' }).click()
    await page.getByRole('heading', { name: '我的导出' }).waitFor()
    await page.unrouteAll()
    await page.getByText(/导好了，\d+ 行。/).waitFor()
    await noForbidden(page)
    await noOverflow(page)
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '下载' }).first().click()])
    must(/\.xlsx$/.test(file.suggestedFilename()) && readFileSync(await file.path()).length > 5000, file.suggestedFilename())
    await shot(page, 'exports')
    await page.goto(base + '/register')
    await page.getByRole('link', { name: '我的导出' }).click()
    await page.getByText(/导好了，\d+ 行。/).waitFor()

    // one that takes longer, as it is while it goes on
    let stopped = ''
    await page.route('**/api/export', async (route) => {
      const answer = await route.fetch()
      const [one] = await answer.json()
      await route.fulfill({ response: answer, json: [{ ...one, state: stopped ? 'stopped' : 'running', until: undefined, total: 9000, done: 2400 }] })
    })
    await page.route('**/api/export/*', async (route) => {
      stopped = route.request().method()
      await route.fulfill({ status: 204 })
    })
    await page.goto(base + '/exports')
    await page.getByText('导了 2400 行，共 9000 行。').waitFor()
    must((await page.getByRole('progressbar').getAttribute('aria-valuenow')) === '26', 'the bar stands elsewhere')
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await noOverflow(page)
    await shot(page, 'exports-phone')
    await page.getByRole('button', { name: '停下' }).click()
    await page.getByText('停下了，没有文件。').waitFor()
    must(stopped === 'DELETE', 'the server was not asked to stop')
  }],
  ['an export that needs an approval asks for it: purpose and last day; a refusal of the request is said in its place', 'limin', null, async (page) => {
    // no register of the demonstration needs one: let the page believe that this one does
    await page.route('**/api/form/14.complaint/record.xlsx*', (route) => route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify({ type: '/problem/refused', kind: 'refused', status: 422, title: '还不能导出', ask: true, items: [{ say: { zh: '238 行要批准后才能导出', en: '238 rows need an approval' } }] }) }))
    await page.goto(base + '/register/14.complaint?all=1')
    await page.locator('[data-row]').first().waitFor()
    await page.getByRole('button', { name: '导出' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('238 行要批准后才能导出').waitFor()
    must(await dialog.getByRole('button', { name: /送\s*交/ }).isDisabled(), 'it is sent without a purpose')
    await dialog.getByLabel('用途').fill('年度复盘')
    await noForbidden(page)
    await page.keyboard.press('Escape') // closed by mistake: nothing typed is lost, and the desk leads back
    await dialog.waitFor({ state: 'detached' })
    await page.goto(base + '/')
    await page.locator('main .rows a[href="/register/14.complaint"]').click()
    await page.locator('[data-row]').first().waitFor()
    await page.getByRole('button', { name: '导出' }).click()
    await page.waitForFunction(() => document.querySelector('#ask-export-purpose')?.value === '年度复盘')
    await dialog.getByRole('button', { name: /送\s*交/ }).click()
    await dialog.getByText('这次导出不用核准，直接导出').waitFor()
    must((await dialog.getByLabel('用途').inputValue()) === '年度复盘', 'the purpose is lost')
  }],
]
