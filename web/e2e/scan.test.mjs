// Scanning: a photo of a print's code, a number or check code typed, and a code for a field.
import { ask, base, must, noForbidden, noOverflow, phone } from './browser.mjs'

const one = async (page, state = 'office') => (await ask(page, `/api/form/14.complaint/record?limit=1&sort=-number&filter=${encodeURIComponent(`this.state == '${state}'`)}`)).rows[0]
const open = async (page) => {
  await page.locator('nav.bar').getByRole('button', { name: '扫一扫' }).click()
  await page.locator('#scan-code').waitFor()
}
const typed = async (page, code) => {
  await page.locator('#scan-code').fill(code)
  await page.locator('#scan-code').press('Enter')
}

export default [
  ['scan: a number and a check code open the record, and say whether the paper still holds', 'hejing', phone, async (page) => {
    const c = await one(page)
    const { foot } = await ask(page, `/api/form/14.complaint/record/${c.id}/print`)
    await page.locator('nav.bar').waitFor()
    await open(page)
    await noOverflow(page)
    await noForbidden(page)
    await typed(page, 'XX-99')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    must(/没有找到“XX-99”/.test(await alert.innerText()), await alert.innerText())
    await typed(page, c.number)
    await page.waitForURL(new RegExp(`/record/14\\.complaint/${c.id}$`))
    await open(page)
    await typed(page, foot.check.toLowerCase().replaceAll('-', ' '))
    await page.waitForURL(/check=/)
    await page.getByText('这张纸与记录一致').waitFor()
    await page.goto(`${base}/record/14.complaint/${c.id}?check=${foot.check.slice(0, 10)}AAAA`)
    await page.getByText('打印之后记录改过').waitFor()
    await page.goto(`${base}/record/14.complaint/${c.id}?check=AAAA-AAAA-AAAA`)
    await page.getByText('不是这份记录的').waitFor()
  }],
  ['scan: a photo of the code on the paper opens the record; one without a code says what to do', 'hejing', phone, async (page) => {
    const c = await one(page, 'finished')
    await page.goto(`${base}/record/14.complaint/${c.id}/print`)
    await page.locator('.paper .qr').waitFor()
    const code = await page.locator('.paper .qr').screenshot()
    const blank = await page.locator('.paper h1').screenshot()
    // a camera that is refused only now, while the photo is looked at, does not take the word about the photo away
    await page.addInitScript(() => {
      if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = () => new Promise((_, no) => { window.refuseCamera = () => no(new DOMException('', 'NotAllowedError')) })
    })
    await page.goto(base)
    await open(page)
    const file = page.locator('input[type=file][capture]')
    await file.setInputFiles({ name: '空.png', mimeType: 'image/png', buffer: blank })
    await page.getByText('照片里没有认出码').waitFor()
    must(await page.evaluate(() => window.refuseCamera ? (window.refuseCamera(), true) : false), 'the camera was never asked for')
    await page.evaluate(() => new Promise((done) => setTimeout(done, 0)))
    await page.getByText('照片里没有认出码').waitFor()
    await file.setInputFiles({ name: '码.png', mimeType: 'image/png', buffer: code })
    await page.waitForURL(new RegExp(`/record/14\\.complaint/${c.id}\\?check=`))
    await page.getByText('这张纸与记录一致').waitFor()
  }],
  ['scan: into a field, a text and a reference', 'chenli', phone, async (page) => {
    const order = (await ask(page, '/api/form/base.sales_order/record?limit=1')).rows[0]
    const c = await one(page)
    await page.goto(base + '/register/14.complaint/new')
    await page.getByRole('button', { name: '扫码填写：订单编号' }).click()
    await typed(page, order.values.order_no)
    await page.waitForFunction((n) => document.querySelector('#new-sales_order')?.closest('.item').innerText.includes(n), order.values.order_no)
    must(!(await page.getByRole('button', { name: '扫码填写：客户联系人' }).count()), 'a name is no code')
    await page.getByText('样品与业务意见').click()
    await page.getByRole('button', { name: '扫码填写：样品编号' }).click()
    await typed(page, 'S-2603-7')
    await page.waitForFunction(() => document.querySelector('#new-sample_no')?.value === 'S-2603-7')
    await page.goto(base + '/register/14.help_request/new')
    await page.getByRole('button', { name: '扫码填写：客诉案' }).click()
    await typed(page, `https://elsewhere.example/record/14.complaint/${c.id}`)
    await page.waitForFunction((n) => document.querySelector('#new-complaint')?.closest('.item').innerText.includes(n), c.number)
  }],
  ['scan: from the command box at the desk', 'hejing', null, async (page) => {
    const c = await one(page)
    await page.keyboard.press('/')
    await page.getByRole('combobox').fill('扫一扫')
    await page.getByRole('option', { name: '扫一扫' }).click()
    await page.locator('#scan-code').waitFor()
    await typed(page, c.number)
    await page.waitForURL(new RegExp(`/record/14\\.complaint/${c.id}`))
  }],
]
