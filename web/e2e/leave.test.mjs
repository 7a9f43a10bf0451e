// Somebody leaves: one page hands over all he has and says when his account ends, against a server of its own.
import { must, noForbidden, noOverflow, send, shot } from './browser.mjs'
import { secret, serve } from './server.mjs'

export default [
  ['a leaver\'s customers and posts go over in one act, each to whom is named, and his account ends', null, null, async (_, context) => {
    const { address, stop } = await serve({ founded: true })
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    try {
      await page.goto(address)
      await page.fill('#account', 'he')
      await page.fill('#password', secret)
      await page.keyboard.press('Enter')
      await page.locator('header.top').waitFor()
      const file = async (form, values) => (await send(page, 'POST', `/api/form/base.${form}/record`, { values })).id
      const [chen, li, wang] = [await file('person', { name: '陈立', account: 'chenli' }), await file('person', { name: '李明', account: 'liming' }), await file('person', { name: '王芳', account: 'wangfang' })]
      const customer = await file('customer', { name: '仁和泵业', salesperson: chen })
      const visitors = await file('person', { name: '赵强', account: 'zhao', superior: chen })
      await page.goto(`${address}/people/${chen}`)
      await page.getByRole('link', { name: '办理离职交接' }).click()
      await page.getByRole('heading', { name: '离职交接：陈立' }).waitFor()
      await page.getByText('仁和泵业').waitFor()
      await page.getByText('赵强').waitFor()
      const choose = async (box, name) => {
        await box.click()
        await box.fill(name)
        await page.locator('.ant-select-dropdown:visible .ant-select-item-option').filter({ hasText: name }).click()
      }
      await choose(page.getByLabel('接手人', { exact: true }), '李明')
      await page.getByLabel('“客户 · 业务员”交给谁').click()
      await page.locator('.ant-select-dropdown:visible .ant-select-item-option').filter({ hasText: '另外指定' }).click()
      await choose(page.locator('[id="leave-base.customer.salesperson-who"]'), '王芳')
      const press = page.getByRole('button', { name: '移交并停用账号' })
      must(await press.isDisabled(), 'it is done without a confirmation')
      await page.getByLabel(/输入他的姓名/).fill('陈立')
      await noForbidden(page)
      await shot(page, 'leave')
      await page.setViewportSize({ width: 390, height: 844 })
      await noOverflow(page)
      await shot(page, 'leave-phone')
      await press.click()
      await page.getByText('已移交给李明，账号已停用。').waitFor()
      const of = async (form, id) => (await send(page, 'GET', `/api/form/base.${form}/record/${id}`)).values
      must((await of('customer', customer)).salesperson.id === wang, 'the customer is not the named successor\'s')
      must((await of('person', visitors)).superior.id === li, 'whom he led is not led by the successor')
      must((await of('person', chen)).active === false, 'the account is open')
      await page.getByRole('link', { name: '看他的记录' }).click()
      await page.getByText('客户 · 业务员').first().waitFor()
      await shot(page, 'leave-record-phone')
    } finally {
      await page.close()
      await stop()
    }
  }],
]
